// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

@testable package import Credentials

extension PasswordHasher {
    /// Runs `body` while no hash is made, then lets the hashes go on.
    package func withoutHashes(_ body: () async throws -> Void) async throws {
        let threads = Settings.coreCount
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw StorageTestError("there is no pipe") }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    try await self.queue.perform {
                        // Ends when nobody writes any more.
                        var byte: UInt8 = 0
                        _ = read(readEnd, &byte, 1)
                        return .success(())
                    }
                }
            }
            defer { close(writeEnd) }
            while load.running < threads { await Task.yield() }
            try await body()
        }
        close(readEnd)
    }
}

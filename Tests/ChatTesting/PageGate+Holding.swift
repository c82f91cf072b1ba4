// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import TestSupport

extension PageGate {
    /// Runs `body` while all places are taken, then frees them.
    package func withoutPlaces(_ body: () async throws -> Void) async throws {
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<places {
                group.addTask {
                    await self.work { await gate.pass() }
                }
            }
            defer { gate.open() }
            for _ in 0..<places { await gate.arrival() }
            try await body()
        }
    }

    /// Waits until exactly so many pages wait.
    package func waits(for count: Int) async {
        while waitingPages != count { await Task.yield() }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat

extension PageGate {
    /// Runs `body` while all places are taken, then frees them.
    package func withoutPlaces(_ body: () async throws -> Void) async throws {
        let (inside, entered) = AsyncStream.makeStream(of: Void.self)
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<places {
                group.addTask {
                    await self.work {
                        entered.yield()
                        for await _ in gate {}
                    }
                }
            }
            defer { opening.finish() }
            var waiting = inside.makeAsyncIterator()
            for _ in 0..<places { await waiting.next() }
            try await body()
        }
    }

    /// Waits until exactly so many pages wait.
    package func waits(for count: Int) async {
        while waitingPages != count { await Task.yield() }
    }
}

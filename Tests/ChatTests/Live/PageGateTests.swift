// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Synchronization
import Testing

/// Pages that are read and encoded at the same time have a bound.
@Suite(.timeLimit(.minutes(10))) struct PageGateTests {
    /// What pages note of themselves.
    private final class Notes: Sendable {
        let inside = Mutex((now: 0, most: 0))
        let read = Mutex<[Int]>([])
    }

    @Test func onlySoManyAreInsideAtATime() async throws {
        let gate = PageGate(places: 3)
        let notes = Notes()

        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    await gate.page {
                        notes.inside.withLock { inside in
                            inside.now += 1
                            inside.most = max(inside.most, inside.now)
                        }
                        for _ in 0..<10 { await Task.yield() }
                        notes.inside.withLock { $0.now -= 1 }
                    }
                }
            }
        }

        #expect((1...3).contains(notes.inside.withLock { $0.most }))
        #expect(gate.waitingPages == 0)
    }

    @Test func aPageOfACancelledTaskIsNotRead() async throws {
        let gate = PageGate(places: 1)
        try await gate.withoutPlaces {
            let page = Task { await gate.page { "read" } }
            await gate.waits(for: 1)

            page.cancel()

            // No place became free for it.
            #expect(await page.value == nil)
            #expect(gate.waitingPages == 0)
        }
    }

    @Test func thoseThatWaitGoOnInTheirOrderWithoutTheCancelledOne() async throws {
        let gate = PageGate(places: 1)
        let notes = Notes()
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await gate.withoutPlaces {
                var pages: [Task<Void, Never>] = []
                for number in 0..<4 {
                    let page = Task { _ = await gate.page { notes.read.withLock { $0.append(number) } } }
                    await gate.waits(for: number + 1)
                    pages.append(page)
                }
                pages[1].cancel()
                await gate.waits(for: 3)
                for page in pages { group.addTask { await page.value } }
            }
            try await group.waitForAll()
        }

        #expect(notes.read.withLock { $0 } == [0, 2, 3])
    }

    @Test func aTaskThatWasCancelledBeforeReadsNothing() async throws {
        let gate = PageGate()
        let page = Task {
            while !Task.isCancelled { await Task.yield() }
            return await gate.page { "read" }
        }
        page.cancel()

        #expect(await page.value == nil)
        #expect(await gate.page { "the next" } == "the next")
    }
}

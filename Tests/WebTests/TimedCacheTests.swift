// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(10)))
struct TimedCacheTests {
    /// Holds loads until it is opened.
    private final class Gate: Sendable {
        private let started: AsyncStream<Void>
        private let startedSource: AsyncStream<Void>.Continuation
        private let opened: AsyncStream<Void>
        private let openedSource: AsyncStream<Void>.Continuation

        init() {
            (self.started, self.startedSource) = AsyncStream.makeStream()
            (self.opened, self.openedSource) = AsyncStream.makeStream()
        }

        func pass() async {
            self.startedSource.yield()
            for await _ in self.opened { return }
        }

        func loadStarted() async {
            for await _ in self.started { return }
        }

        func open() {
            self.openedSource.yield()
        }
    }

    private func cache(_ clock: ManualClock, load: @escaping @Sendable () async -> Int) -> TimedCache<Int> {
        TimedCache(lifetime: .seconds(1), now: { clock.elapsed }, load: load)
    }

    @Test func valueIsKeptForItsLifetimeAndNoLonger() async {
        let clock = ManualClock()
        let loads = Counter()
        let cache = self.cache(clock) { loads.next() }

        #expect(await cache.value() == 1)
        clock.advance(by: .milliseconds(999))
        #expect(await cache.value() == 1)
        clock.advance(by: .milliseconds(1))
        #expect(await cache.value() == 2)
    }

    @Test func callersShareTheLoadUnderWay() async {
        let clock = ManualClock()
        let loads = Counter()
        let gate = Gate()
        let cache = self.cache(clock) {
            let number = loads.next()
            if number == 1 { await gate.pass() }
            return number
        }

        let values = await withTaskGroup(of: Int.self) { tasks in
            for _ in 0..<50 { tasks.addTask { await cache.value() } }
            await gate.loadStarted()
            gate.open()
            return await tasks.reduce(into: []) { $0.append($1) }
        }

        #expect(values == Array(repeating: 1, count: 50))
    }

    @Test func valueThatWasLoadingDuringAnInvalidationIsNotKept() async {
        let clock = ManualClock()
        let loads = Counter()
        let gate = Gate()
        let cache = self.cache(clock) {
            let number = loads.next()
            if number == 1 { await gate.pass() }
            return number
        }
        async let first = cache.value()
        await gate.loadStarted()

        await cache.invalidate()
        async let second = cache.value()
        gate.open()

        #expect(await first == 1)
        #expect(await second == 2)
        #expect(await cache.value() == 2)
    }

    /// A flood of requests whose connections are closed at once makes no load each.
    @Test func aLoadGoesOnWithoutTheCallerThatBeganIt() async {
        let clock = ManualClock()
        let loads = Counter()
        let gate = Gate()
        let cache = self.cache(clock) {
            let number = loads.next()
            if number == 1 { await gate.pass() }
            return Task.isCancelled ? -1 : number
        }

        let values = await withTaskGroup(of: Int.self) { tasks in
            tasks.addTask { await cache.value() }
            await gate.loadStarted()
            tasks.cancelAll()
            tasks.addTask { await cache.value() }
            gate.open()
            return await tasks.reduce(into: []) { $0.append($1) }
        }

        #expect(values == [1, 1])
        #expect(await cache.value() == 1)
    }
}

/// Counts calls from 1.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        self.count.withLock { count in
            count += 1
            return count
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(10)))
struct TimedCacheTests {
    private func cache(_ clock: ManualClock, load: @escaping @Sendable () async -> Int) -> TimedCache<Int> {
        TimedCache(lifetime: .seconds(1), now: { clock.elapsed }, load: load)
    }

    @Test func valueIsKeptForItsLifetimeAndNoLonger() async {
        let clock = ManualClock()
        let loads = Tally()
        let cache = self.cache(clock) { loads.increment() }

        #expect(await cache.value() == 1)
        clock.advance(by: .milliseconds(999))
        #expect(await cache.value() == 1)
        clock.advance(by: .milliseconds(1))
        #expect(await cache.value() == 2)
    }

    @Test func callersShareTheLoadUnderWay() async {
        let clock = ManualClock()
        let loads = Tally()
        let gate = Gate()
        let cache = self.cache(clock) {
            let number = loads.increment()
            if number == 1 { await gate.pass() }
            return number
        }

        let values = await withTaskGroup(of: Int.self) { tasks in
            for _ in 0..<50 { tasks.addTask { await cache.value() } }
            await gate.arrival()
            gate.open()
            return await tasks.reduce(into: []) { $0.append($1) }
        }

        #expect(values == Array(repeating: 1, count: 50))
    }

    @Test func valueThatWasLoadingDuringAnInvalidationIsNotKept() async {
        let clock = ManualClock()
        let loads = Tally()
        let gate = Gate()
        let cache = self.cache(clock) {
            let number = loads.increment()
            if number == 1 { await gate.pass() }
            return number
        }
        async let first = cache.value()
        await gate.arrival()

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
        let loads = Tally()
        let gate = Gate()
        let cache = self.cache(clock) {
            let number = loads.increment()
            if number == 1 { await gate.pass() }
            return Task.isCancelled ? -1 : number
        }

        let values = await withTaskGroup(of: Int.self) { tasks in
            tasks.addTask { await cache.value() }
            await gate.arrival()
            tasks.cancelAll()
            tasks.addTask { await cache.value() }
            gate.open()
            return await tasks.reduce(into: []) { $0.append($1) }
        }

        #expect(values == [1, 1])
        #expect(await cache.value() == 1)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

struct LoginThrottleTests {
    typealias Throttle = LoginThrottle<ContinuousClock.Instant>

    let start = ContinuousClock.now

    func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    /// A throttle in which alice has failed that many times at the start.
    func throttle(failures: Int) -> Throttle {
        var throttle = Throttle()
        for _ in 0..<failures { throttle.failed(account: "alice", address: "192.0.2.1", now: start) }
        return throttle
    }

    @Test func fiveFailuresAreFree() {
        var throttle = throttle(failures: 4)

        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: start) == .allowed)
        throttle.failed(account: "alice", address: "192.0.2.1", now: start)
        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: start) == .wait(.seconds(1)))
    }

    @Test func pauseDoublesToAMinute() {
        var throttle = throttle(failures: 5)
        var now = start
        var pauses: [Duration] = []

        for _ in 0..<9 {
            guard case .wait(let pause) = throttle.decision(account: "alice", address: "192.0.2.1", now: now) else {
                Issue.record("there was no pause at \(now)")
                return
            }
            pauses.append(pause)
            now = now.advanced(by: pause)
            #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: now) == .allowed)
            throttle.failed(account: "alice", address: "192.0.2.1", now: now)
        }

        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func waitShrinksWithTime() {
        var throttle = throttle(failures: 8)

        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(0)) == .wait(.seconds(8)))
        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(7.5)) == .wait(.seconds(0.5)))
        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(8)) == .allowed)
    }

    @Test func onlyOneOfManyAttemptsPassesAfterAPause() {
        var throttle = throttle(failures: 6)

        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(2)) == .allowed)
        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(2)) == .wait(.seconds(2)))
    }

    @Test func otherPairsAreNotSlowed() {
        var throttle = throttle(failures: 20)

        #expect(throttle.decision(account: "alice", address: "192.0.2.2", now: start) == .allowed)
        #expect(throttle.decision(account: "bob", address: "192.0.2.1", now: start) == .allowed)
        #expect(throttle.decision(account: "alice1", address: "92.0.2.1", now: start) == .allowed)
    }

    @Test func pairThatSucceededIsNeverLockedOut() {
        var throttle = throttle(failures: 5)
        throttle.succeeded(account: "alice", address: "192.0.2.1")

        for _ in 0..<100 {
            throttle.failed(account: "alice", address: "192.0.2.1", now: start)
            #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: start) == .allowed)
        }
    }

    @Test func failuresAreForgottenAfterAnHour() {
        var throttle = throttle(failures: 50)

        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(3601)) == .allowed)
        throttle.failed(account: "alice", address: "192.0.2.1", now: at(3601))
        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: at(3601)) == .allowed)
    }

    @Test func memoryIsBoundedAndFailuresDoNotPushOutWhoHasLoggedIn() {
        var throttle = Throttle(limits: .init(capacity: 100))
        throttle.succeeded(account: "alice", address: "192.0.2.1")

        for number in 0..<10_000 {
            throttle.failed(account: "account\(number)", address: "192.0.2.1", now: start)
            #expect(throttle.count <= 101)
        }
        for _ in 0..<10 { throttle.failed(account: "alice", address: "192.0.2.1", now: start) }

        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: start) == .allowed)
        #expect(throttle.decision(account: "account9999", address: "192.0.2.1", now: start) == .allowed)
    }

    @Test func pairInUseOutlivesAFlood() {
        var throttle = Throttle(limits: .init(capacity: 100))
        for _ in 0..<10 { throttle.failed(account: "alice", address: "192.0.2.1", now: start) }

        for number in 0..<1000 {
            throttle.failed(account: "account\(number)", address: "192.0.2.1", now: start)
            if number.isMultiple(of: 20) {
                _ = throttle.decision(account: "alice", address: "192.0.2.1", now: start)
            }
        }

        #expect(throttle.decision(account: "alice", address: "192.0.2.1", now: start) == .wait(.seconds(32)))
    }
}

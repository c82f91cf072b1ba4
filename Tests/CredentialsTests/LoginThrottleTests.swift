// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Testing

@testable import Credentials

struct LoginThrottleTests {
    typealias Throttle = LoginThrottle<ContinuousClock.Instant>

    let start = ContinuousClock.now
    let home: IPAddress
    let away: IPAddress

    init() throws {
        home = try #require(IPAddress("192.0.2.1"))
        away = try #require(IPAddress("192.0.2.2"))
    }

    func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    /// A throttle in which alice has failed that many times at the start.
    func throttle(failures: Int) -> Throttle {
        var throttle = Throttle()
        for _ in 0..<failures { throttle.failed(account: "alice", network: home, now: start) }
        return throttle
    }

    @Test func fiveFailuresAreFree() {
        var throttle = throttle(failures: 4)

        #expect(throttle.decision(account: "alice", network: home, now: start) == .allowed)
        throttle.failed(account: "alice", network: home, now: start)
        #expect(throttle.decision(account: "alice", network: home, now: start) == .wait(.seconds(1)))
    }

    @Test(arguments: [true, false]) func pauseDoublesToAMinute(exists: Bool) {
        var throttle = Throttle()
        for _ in 0..<5 { throttle.failed(account: "alice", network: home, exists: exists, now: start) }
        var now = start
        var pauses: [Duration] = []

        for _ in 0..<9 {
            guard case .wait(let pause) = throttle.decision(account: "alice", network: home, now: now) else {
                Issue.record("there was no pause at \(now)")
                return
            }
            pauses.append(pause)
            now = now.advanced(by: pause)
            #expect(throttle.decision(account: "alice", network: home, now: now) == .allowed)
            throttle.failed(account: "alice", network: home, exists: exists, now: now)
        }

        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func waitShrinksWithTime() {
        var throttle = throttle(failures: 8)

        #expect(throttle.decision(account: "alice", network: home, now: at(0)) == .wait(.seconds(8)))
        #expect(throttle.decision(account: "alice", network: home, now: at(7.5)) == .wait(.seconds(0.5)))
        #expect(throttle.decision(account: "alice", network: home, now: at(8)) == .allowed)
    }

    @Test func onlyOneOfManyAttemptsPassesAfterAPause() {
        var throttle = throttle(failures: 6)

        #expect(throttle.decision(account: "alice", network: home, now: at(2)) == .allowed)
        #expect(throttle.decision(account: "alice", network: home, now: at(2)) == .wait(.seconds(2)))
    }

    @Test func otherPairsAreNotSlowed() {
        var throttle = throttle(failures: 20)

        #expect(throttle.decision(account: "alice", network: away, now: start) == .allowed)
        #expect(throttle.decision(account: "bob", network: home, now: start) == .allowed)
    }

    @Test func pairThatSucceededHasAGenerousRateAndNotNone() {
        var throttle = throttle(failures: 5)
        throttle.succeeded(account: "alice", network: home)

        for _ in 0..<30 {
            #expect(throttle.decision(account: "alice", network: home, now: start) == .allowed)
            throttle.failed(account: "alice", network: home, now: start)
        }
        #expect(throttle.decision(account: "alice", network: home, now: start) == .wait(.seconds(1)))
        for _ in 0..<100 { throttle.failed(account: "alice", network: home, now: start) }
        // Never longer than that: the owner gets in.
        #expect(throttle.decision(account: "alice", network: home, now: start) == .wait(.seconds(5)))
        #expect(throttle.decision(account: "alice", network: home, now: at(5)) == .allowed)
        throttle.succeeded(account: "alice", network: home)
        #expect(throttle.decision(account: "alice", network: home, now: at(5)) == .allowed)
    }

    @Test func failuresAreForgottenAfterAnHour() {
        var throttle = throttle(failures: 50)

        #expect(throttle.decision(account: "alice", network: home, now: at(3601)) == .allowed)
        throttle.failed(account: "alice", network: home, now: at(3601))
        #expect(throttle.decision(account: "alice", network: home, now: at(3601)) == .allowed)
    }

    @Test func madeUpLoginsEmptyNothing() {
        var throttle = throttle(failures: 10)
        throttle.succeeded(account: "bob", network: home)

        for number in 0..<200_000 {
            throttle.failed(account: "made up \(number)", network: home, exists: false, now: start)
        }

        #expect(throttle.decision(account: "alice", network: home, now: start) == .wait(.seconds(32)))
        for _ in 0..<10 { throttle.failed(account: "bob", network: home, now: start) }
        #expect(throttle.decision(account: "bob", network: home, now: start) == .allowed)
        #expect(throttle.count <= 100_002)
    }

    @Test func memoryIsBoundedAndFailuresDoNotPushOutWhoHasLoggedIn() {
        var throttle = Throttle(limits: .init(capacity: 100))
        throttle.succeeded(account: "alice", network: home)

        for number in 0..<10_000 {
            throttle.failed(account: "account\(number)", network: home, now: start)
            #expect(throttle.count <= 101)
        }
        for _ in 0..<10 { throttle.failed(account: "alice", network: home, now: start) }

        #expect(throttle.decision(account: "alice", network: home, now: start) == .allowed)
    }

    @Test func pairInUseOutlivesAFlood() {
        var throttle = Throttle(limits: .init(capacity: 100))
        for _ in 0..<10 { throttle.failed(account: "alice", network: home, now: start) }

        for number in 0..<1000 {
            throttle.failed(account: "account\(number)", network: home, now: start)
            if number.isMultiple(of: 20) {
                _ = throttle.decision(account: "alice", network: home, now: start)
            }
        }

        #expect(throttle.decision(account: "alice", network: home, now: start) == .wait(.seconds(32)))
    }

    @Test func whoIsMadeToWaitIsLookedUpOnce() {
        var throttle = throttle(failures: 8)

        #expect(throttle.needsLookUp(account: "alice", network: home) == true)
        #expect(throttle.needsLookUp(account: "alice", network: home) == false)
        #expect(throttle.needsLookUp(account: "bob", network: home) == false)
    }

    @Test func pairThatTheStoreKnowsHasTheGenerousRate() {
        var throttle = throttle(failures: 8)

        throttle.recall(account: "alice", network: home)

        #expect(throttle.decision(account: "alice", network: home, now: start) == .allowed)
        for _ in 0..<22 { throttle.failed(account: "alice", network: home, now: start) }
        #expect(throttle.decision(account: "alice", network: home, now: start) != .allowed)
    }

    @Test func accountThatIsMadeLaterKeepsTheFailuresOfItsName() {
        var throttle = Throttle()
        for _ in 0..<8 { throttle.failed(account: "alice", network: home, exists: false, now: start) }

        throttle.failed(account: "alice", network: home, now: start)

        #expect(throttle.decision(account: "alice", network: home, now: start) == .wait(.seconds(16)))
    }
}

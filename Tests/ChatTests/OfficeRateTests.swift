// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Storage
import Testing

@testable import Chat

/// People and offices do not meet the defaults of the settings, which `RateSettingsTests` has, too.
struct OfficeRateTests {
    private static let office = IPAddress("198.51.100.7")
    private static let second: Int64 = 1_000_000_000

    private static func limiter() -> RateLimiter {
        var limits = RateLimits()
        limits.account.write = Rate("600/m burst 600")
        limits.account.read = Rate("50/s burst 2000")
        limits.account.login = Rate("60/m burst 60")
        limits.account.profileChange = Rate("30/m burst 60")
        limits.address.write = Rate("100/s burst 6000")
        limits.address.read = Rate("500/s burst 20000")
        limits.address.registration = Rate("200/h burst 200")
        limits.address.login = Rate("10/s burst 600")
        limits.address.profileChange = Rate("300/m burst 600")
        return RateLimiter(limits)
    }

    /// How many of so many actions are refused.
    private static func refusals(
        _ count: Int, of action: LimitedAction, by user: UserID?, at time: Int64, in limiter: RateLimiter
    ) -> Int {
        (0..<count).count { _ in limiter.take(action, user: user, network: office, now: time) != nil }
    }

    /// Makes an account, logs in on three devices that read all their chats, pastes a long text, and talks for an hour.
    @Test func aPersonIsNeverRefused() {
        let (limiter, alice) = (Self.limiter(), UserID(1))
        var refused = Self.refusals(1, of: .registration, by: nil, at: 0, in: limiter)
        refused += Self.refusals(3, of: .login, by: alice, at: 0, in: limiter)
        refused += Self.refusals(5, of: .profileChange, by: alice, at: 0, in: limiter)
        refused += Self.refusals(1000, of: .read, by: alice, at: 0, in: limiter)
        refused += Self.refusals(200, of: .write, by: alice, at: 0, in: limiter)
        for second in 1...3600 {
            let time = Int64(second) * Self.second
            refused += Self.refusals(3, of: .read, by: alice, at: time, in: limiter)
            refused += Self.refusals(1, of: .write, by: alice, at: time, in: limiter)
        }

        #expect(refused == 0)
    }

    /// All make their accounts in the same minute, log in, read what there is, and talk for ten minutes.
    @Test func anOfficeOfTwoHundredIsNeverRefused() {
        let limiter = Self.limiter()
        let people = (1...200).map { UserID($0) }
        var refused = 0
        for (number, person) in people.enumerated() {
            let time = Int64(number) * Self.second * 60 / 200
            refused += Self.refusals(1, of: .registration, by: nil, at: time, in: limiter)
            // As a stranger, and as the account.
            refused += Self.refusals(1, of: .login, by: nil, at: time, in: limiter)
            refused += Self.refusals(1, of: .login, by: person, at: time, in: limiter)
            refused += Self.refusals(1, of: .profileChange, by: person, at: time, in: limiter)
            refused += Self.refusals(50, of: .read, by: person, at: time, in: limiter)
        }
        for second in 61...660 {
            let time = Int64(second) * Self.second
            for (number, person) in people.enumerated() {
                refused += Self.refusals(1, of: .read, by: person, at: time, in: limiter)
                if (second + number).isMultiple(of: 5) {
                    refused += Self.refusals(1, of: .write, by: person, at: time, in: limiter)
                }
            }
        }
        #expect(refused == 0)

        // Two hundred programs that write as fast as they may are no office.
        var flooded = 0
        for second in 661...700 {
            let time = Int64(second) * Self.second
            for person in people { flooded += Self.refusals(10, of: .write, by: person, at: time, in: limiter) }
        }
        #expect(flooded > 0)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManageCommands

struct PointInTimeTests {
    private let now = 1_769_904_000

    @Test(
        arguments: [
            ("0", 0), ("1700000000", 1_700_000_000), ("-5", -5), ("1d", 1_769_904_000 - 86_400),
            ("90s", 1_769_904_000 - 90),
            ("2026-01-31", 1_769_817_600), ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31T12:00:00+02:00", 1_769_853_600),
        ] as [(String, Int64)])
    func timesAreUnderstood(text: String, seconds: Int64) throws {
        #expect(try #require(PointInTime(argument: text)).seconds(now: now) == seconds)
    }

    @Test(arguments: ["", "yesterday", "d", "0d", "-1d", "2026-13-01", "31.01.2026", "1.5"])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(PointInTime(argument: text) == nil)
    }
}

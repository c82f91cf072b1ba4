// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Testing

@testable import ParleyServer

/// When what seems old must not be erased.
struct ClockWatchTests {
    private let start = ContinuousClock.now
    private let noon = Timestamp(seconds: 1_700_000_000)

    private func hoursAhead(_ seconds: Int64, after elapsed: Duration) -> Int64? {
        ClockWatch(time: noon, at: start)
            .hoursAhead(time: Timestamp(seconds: noon.seconds + seconds), at: start + elapsed)
    }

    @Test func aClockThatKeepsPaceIsNotAhead() {
        #expect(hoursAhead(0, after: .zero) == nil)
        #expect(hoursAhead(400 * 86_400, after: .seconds(400 * 86_400)) == nil)
        // Corrections by less than an hour, and the clock set back.
        #expect(hoursAhead(3600, after: .zero) == nil)
        #expect(hoursAhead(-400 * 86_400, after: .zero) == nil)
    }

    @Test func aClockThatWasSetAheadIsNoticedForAsLongAsItIsAhead() {
        #expect(hoursAhead(3601, after: .zero) == 1)
        #expect(hoursAhead(365 * 86_400, after: .zero) == 8760)
        #expect(hoursAhead(365 * 86_400 + 60, after: .seconds(60)) == 8760)
        #expect(hoursAhead(60, after: .seconds(60)) == nil)
    }

    @Test func hoursBetweenTwoClocksAreCounted() {
        func hours(_ seconds: Int64) -> Int64? {
            ClockWatch.hours(from: noon, to: Timestamp(seconds: noon.seconds + seconds))
        }
        #expect(hours(3600) == nil)
        #expect(hours(3601) == 1)
        #expect(hours(-86_400) == nil)
        #expect(hours(86_400) == 24)
    }

    @Test func timesBeyondAllReasonAreAhead() {
        let watch = ClockWatch(time: Timestamp(milliseconds: .min), at: start)
        #expect(watch.hoursAhead(time: Timestamp(milliseconds: .max), at: start) == 2_562_047_788_015)
        #expect(watch.hoursAhead(time: Timestamp(milliseconds: .min), at: start + .seconds(1)) == nil)
    }
}

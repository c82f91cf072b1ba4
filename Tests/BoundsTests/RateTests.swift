// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Testing

struct RateTests {
    @Test(arguments: [
        ("600/m", "600/m burst 600"), ("10/s burst 500", "10/s burst 500"), ("1/d BURST 1", "1/d burst 1"),
        ("1000000/h", "1000000/h burst 1000000"),
    ]) func rateIsReadAndWritten(text: String, written: String) {
        #expect(Rate(text)?.description == written)
    }

    @Test(arguments: [
        "", "600", "/m", "600/", "0/s", "1/w", "1/s burst", "1/s burst 0", "1/s bursts 1", "-1/s", "1000001/s", "1/s/s",
        "1/s burst 1 1", "99999999999999999999/s",
    ]) func nonsenseIsNoRate(_ text: String) {
        #expect(Rate(text) == nil)
    }

    @Test func bucketGivesItsBurstAndThenTheRate() throws {
        let rate = try #require(Rate(2, per: .second, burst: 3))
        let second: Int64 = 1_000_000_000
        var bucket = TokenBucket()
        var now = 5 * second

        for _ in 0..<3 {
            #expect(bucket.wait(at: now, rate) == nil)
            bucket.take(at: now, rate)
        }
        #expect(bucket.wait(at: now, rate) == .milliseconds(500))
        now += second / 4
        #expect(bucket.wait(at: now, rate) == .milliseconds(250))
        now += second / 4
        #expect(bucket.wait(at: now, rate) == nil)
        bucket.take(at: now, rate)
        #expect(bucket.wait(at: now, rate) == .milliseconds(500))

        // It fills up to its burst and no further.
        now += 100 * second
        for _ in 0..<3 {
            #expect(bucket.wait(at: now, rate) == nil)
            bucket.take(at: now, rate)
        }
        #expect(bucket.wait(at: now, rate) == .milliseconds(500))
    }

    @Test func whoKeepsToTheRateIsNeverRefused() throws {
        let rate = try #require(Rate(1, per: .second, burst: 1))
        var bucket = TokenBucket()

        for second in Int64(1)...1000 {
            let now = second * 1_000_000_000
            #expect(bucket.wait(at: now, rate) == nil)
            bucket.take(at: now, rate)
        }
    }
}

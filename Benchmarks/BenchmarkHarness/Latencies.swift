// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Histogram
package import NIOCore
import Synchronization

/// Latencies of many requests, in microseconds with three digits.
///
/// One per event loop: its lock is then free whenever it is taken.
package final class LatencyRecorder: Sendable {
    private let histogram = Mutex(LatencyRecorder.makeHistogram())

    package init() {}

    private static func makeHistogram() -> Histogram<UInt64> {
        Histogram(highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: .three)
    }

    /// Notes one request.
    package func record(_ time: TimeAmount) {
        let microseconds = UInt64(max(time.nanoseconds, 0)) / 1000
        histogram.withLock { _ = $0.record(min(microseconds, 120_000_000)) }
    }

    /// Forgets everything.
    package func reset() {
        histogram.withLock { $0.reset() }
    }

    /// The percentiles of all that several recorders have noted.
    package static func latencies(of recorders: [LatencyRecorder]) -> Latencies {
        var all = makeHistogram()
        for recorder in recorders { recorder.histogram.withLock { all.add($0) } }
        let milliseconds = { (percentile: Double) in Double(all.valueAtPercentile(percentile)) / 1000 }
        return Latencies(median: milliseconds(50), p99: milliseconds(99), p999: milliseconds(99.9))
    }
}

/// Percentiles in milliseconds.
package struct Latencies: Sendable {
    package let median: Double
    package let p99: Double
    package let p999: Double

    package init(median: Double, p99: Double, p999: Double) {
        self.median = median
        self.p99 = p99
        self.p999 = p999
    }
}

extension Collection<Double> {
    /// The middle value, or the mean of the two; 0 of nothing.
    package var median: Double {
        let sorted = sorted()
        guard !sorted.isEmpty else { return 0 }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

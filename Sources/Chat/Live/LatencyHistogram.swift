// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// How long something took, many times: counts in a fixed number of buckets, so that it never grows.
///
/// Up to 8 µs a bucket is a microsecond wide, above that a quarter of a power of two: a quantile is at most 25 % too
/// high.
package struct LatencyHistogram: Sendable, Equatable {
    private static let exactBuckets = 8
    private static let highestExponent = 26
    /// How many buckets there are; the last one also counts what took longer than a minute.
    package static let bucketCount = exactBuckets + (highestExponent - 2) * 4

    /// The counts, from the shortest time to the longest.
    package private(set) var buckets: [UInt64]

    package init() {
        buckets = Array(repeating: 0, count: Self.bucketCount)
    }

    /// Takes counts as `buckets` gave them; missing ones are 0, further ones are left out.
    package init(buckets: [UInt64]) {
        self.init()
        for (index, count) in buckets.prefix(Self.bucketCount).enumerated() { self.buckets[index] = count }
    }

    /// Counts `weight` times that something took `duration`.
    package mutating func record(_ duration: Duration, weight: Int = 1) {
        let index = Self.index(ofMicroseconds: Self.microseconds(duration))
        buckets[index] &+= UInt64(max(0, weight))
    }

    /// How many were counted.
    package var count: UInt64 { buckets.reduce(0, &+) }

    /// The time within which a part of all ended, such as 0.99; `nil` when nothing was counted.
    package func quantile(_ part: Double) -> Duration? {
        let all = count
        guard all > 0 else { return nil }
        let wanted = max(1, (Double(all) * min(max(part, 0), 1)).rounded(.up))
        var seen = 0.0
        for (index, count) in buckets.enumerated() where count > 0 {
            seen += Double(count)
            if seen >= wanted { return .microseconds(Self.upperMicroseconds(ofBucket: index)) }
        }
        return .microseconds(Self.upperMicroseconds(ofBucket: Self.bucketCount - 1))
    }

    /// The counts between bounds in seconds, each from the bound before it, and what took longer than all of them.
    ///
    /// They are exact at powers of two of a microsecond.
    package func counts(upTo bounds: [Double]) -> [UInt64] {
        var counts = Array(repeating: UInt64(0), count: bounds.count + 1)
        var place = 0
        for (index, count) in buckets.enumerated() {
            let upper = Double(Self.upperMicroseconds(ofBucket: index)) / 1_000_000
            while place < bounds.count, upper > bounds[place] || index == Self.bucketCount - 1 { place += 1 }
            counts[place] &+= count
        }
        return counts
    }

    /// What was counted since an earlier state of the same histogram.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        LatencyHistogram(buckets: zip(buckets, earlier.buckets).map { $0 >= $1 ? $0 - $1 : $0 })
    }

    private static func microseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 1 << 20 else { return .max }
        return UInt64(seconds) * 1_000_000 + UInt64(attoseconds) / 1_000_000_000_000
    }

    static func index(ofMicroseconds value: UInt64) -> Int {
        guard value >= UInt64(exactBuckets) else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        guard exponent <= highestExponent else { return bucketCount - 1 }
        return exactBuckets + (exponent - 3) * 4 + Int(value >> UInt64(exponent - 2) & 3)
    }

    static func upperMicroseconds(ofBucket index: Int) -> UInt64 {
        guard index >= exactBuckets else { return UInt64(index) + 1 }
        let exponent = 3 + (index - exactBuckets) / 4
        return UInt64(5 + (index - exactBuckets) % 4) << UInt64(exponent - 2)
    }
}

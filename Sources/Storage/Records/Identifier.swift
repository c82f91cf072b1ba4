// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A random 128-bit number that names a user, flow or event on the wire, written in decimal.
///
/// Kept as two words: the optimizer of Swift 6.3 loses 16-byte integers that live across an `await`
/// (`Scripts/check-wide-integers` keeps them out of stored state).
package struct Identifier: Hashable, Sendable {
    private var high: UInt64
    private var low: UInt64

    package init(_ value: UInt128) {
        high = UInt64(truncatingIfNeeded: value >> 64)
        low = UInt64(truncatingIfNeeded: value)
    }

    private var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> Identifier {
        Identifier(high: generator.next(), low: generator.next())
    }

    /// A time in milliseconds, then 80 random bits.
    ///
    /// Those of one time are neighbours in an index.
    package static func random(
        at time: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> Identifier {
        let milliseconds = UInt64(clamping: time.milliseconds)
        return Identifier(high: milliseconds << 16 | generator.next() >> 48, low: generator.next())
    }

    /// The next number; after the last one comes 0.
    package var successor: Identifier { Identifier(value &+ 1) }

    /// 1 to 39 ASCII digits without sign or leading zeros.
    ///
    /// Anything else is no identifier.
    package init?(decimal text: String) {
        var text = text
        let parsed: UInt128? = text.withUTF8 { digits in
            guard (1...39).contains(digits.count), digits.count == 1 || digits[0] != 0x30 else { return nil }
            var value: UInt128 = 0
            // Eighteen digits fit a 64-bit word: one wide multiplication for each group instead of one a digit.
            var start = 0
            while start < digits.count {
                let end = min(start + 18, digits.count)
                var group: UInt64 = 0
                var scale: UInt64 = 1
                for digit in digits[start..<end] {
                    guard (0x30...0x39).contains(digit) else { return nil }
                    group = group * 10 + UInt64(digit - 0x30)
                    scale *= 10
                }
                let (product, overflow) = value.multipliedReportingOverflow(by: UInt128(scale))
                let (sum, carry) = product.addingReportingOverflow(UInt128(group))
                guard !overflow, !carry else { return nil }
                value = sum
                start = end
            }
            return value
        }
        guard let parsed else { return nil }
        self.init(parsed)
    }

    /// 16 bytes, big-endian, as the tables keep it.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }
}

extension Identifier {
    /// The identifiers whose decimal form begins with some digits: one range for each length.
    static func ranges(ofPrefix digits: String) -> [(first: Identifier, last: Identifier)] {
        guard let prefix = Identifier(decimal: digits)?.value, prefix > 0 else { return [] }
        var ranges: [(first: Identifier, last: Identifier)] = []
        var (first, last) = (prefix, prefix)
        while true {
            ranges.append((Identifier(first), Identifier(last)))
            let next = first.multipliedReportingOverflow(by: 10)
            guard !next.overflow else { return ranges }
            first = next.partialValue
            let end = last.multipliedReportingOverflow(by: 10)
            let (sum, carry) = end.partialValue.addingReportingOverflow(9)
            last = end.overflow || carry ? .max : sum
        }
    }
}

extension Identifier: CustomStringConvertible {
    package var description: String {
        let chunk: UInt128 = 1_000_000_000_000_000_000
        guard value >= chunk else { return String(UInt64(value)) }
        let (high, low) = value.quotientAndRemainder(dividingBy: chunk)
        let tail = String(UInt64(low))
        return Identifier(high).description + String(repeating: "0", count: 18 - tail.utf8.count) + tail
    }
}

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
        guard let identifier = text.withUTF8({ Identifier(decimal: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = identifier
    }

    /// The same for bytes.
    package init?(decimal digits: UnsafeRawBufferPointer) {
        guard (1...39).contains(digits.count), digits.count == 1 || digits[0] != 0x30 else { return nil }
        high = 0
        low = 0
        // Eighteen digits fit a word: one wide multiplication for each group instead of one a digit.
        var group: UInt64 = 0
        var scale: UInt64 = 1
        for (index, byte) in digits.enumerated() {
            let digit = byte &- 0x30
            guard digit < 10 else { return nil }
            group = group * 10 + UInt64(digit)
            scale *= 10
            guard scale == Self.groupScale || index == digits.count - 1 else { continue }
            let ofLow = low.multipliedFullWidth(by: scale)
            let (ofHigh, isOverflow) = high.multipliedReportingOverflow(by: scale)
            let (sum, isCarry) = ofLow.low.addingReportingOverflow(group)
            let (carried, isCarryOverflow) = ofHigh.addingReportingOverflow(ofLow.high)
            let (top, isTopOverflow) = carried.addingReportingOverflow(isCarry ? 1 : 0)
            guard !isOverflow, !isCarryOverflow, !isTopOverflow else { return nil }
            (high, low, group, scale) = (top, sum, 0, 1)
        }
    }

    private static let groupScale: UInt64 = 1_000_000_000_000_000_000

    /// The number of digits that `writeDecimal` writes at most.
    package static let maximumDigits = 39

    /// Writes the decimal digits to the beginning of `target`, which must have room for `maximumDigits` of them.
    ///
    /// - Returns: How many there are.
    package func writeDecimal(to target: UnsafeMutableRawBufferPointer) -> Int {
        // Nineteen digits fit a word; there are at most 1 + 19 + 19.
        let scale: UInt64 = 10_000_000_000_000_000_000
        let (upper, tail) = scale.dividingFullWidth((high % scale, low))
        let (top, middle) = scale.dividingFullWidth((high / scale, upper))
        var digits = DecimalDigits(target: target, end: Self.maximumDigits)
        digits.write(tail, count: upper == 0 && high == 0 ? 1 : 19)
        if upper != 0 || high != 0 { digits.write(middle, count: top == 0 ? 1 : 19) }
        if top != 0 { digits.write(top, count: 1) }
        let written = Self.maximumDigits - digits.end
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: target[digits.end..<Self.maximumDigits]))
        return written
    }

    /// Decimal digits that are written from their end on.
    private struct DecimalDigits {
        let target: UnsafeMutableRawBufferPointer
        /// Where the digits that were written begin.
        var end: Int

        /// Writes a number in front of what was written, with zeros where it has fewer than `count` digits.
        mutating func write(_ number: UInt64, count: Int) {
            let last = end - count
            var rest = number
            while rest > 0 || end > last {
                end -= 1
                target[end] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
    }

    /// 16 bytes, big-endian, as the tables keep it.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    package init?(bytes: [UInt8]) {
        guard let identifier = bytes.withUnsafeBytes({ Identifier(bytes: $0) }) else { return nil }
        self = identifier
    }

    /// The same where the bytes lie.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
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
        String(unsafeUninitializedCapacity: Self.maximumDigits) { writeDecimal(to: UnsafeMutableRawBufferPointer($0)) }
    }
}

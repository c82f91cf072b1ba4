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

    package var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    package static func random(using generator: inout some RandomNumberGenerator) -> Identifier {
        Identifier(UInt128(generator.next()) << 64 | UInt128(generator.next()))
    }

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

extension Identifier: CustomStringConvertible {
    package var description: String {
        let chunk: UInt128 = 1_000_000_000_000_000_000
        guard value >= chunk else { return String(UInt64(value)) }
        let (high, low) = value.quotientAndRemainder(dividingBy: chunk)
        let tail = String(UInt64(low))
        return Identifier(high).description + String(repeating: "0", count: 18 - tail.utf8.count) + tail
    }
}

/// A user's row number.
package struct UserID: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A flow's row number.
package struct FlowID: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A session's row number.
package struct SessionID: Hashable, Sendable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// A place in the log, from 1.
///
/// As a cursor: everything up to and including it has been seen; 0 has seen nothing.
package struct Position: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package static let start = Position(0)
}

/// Milliseconds since 1970 (UTC), the log's time.
///
/// It never goes back from one position to the next.
package struct LogTime: Hashable, Sendable, Comparable {
    package var milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package init(seconds: Int64) {
        milliseconds =
            seconds.multipliedReportingOverflow(by: 1000).overflow
            ? (seconds < 0 ? .min : .max) : seconds * 1000
    }
    package var seconds: Int64 {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        return rest < 0 ? seconds - 1 : seconds
    }
    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
}

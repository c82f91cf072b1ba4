// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A position in the log as clients carry it: opaque text with a check, so that garbage, a typing error or a number
/// that a client counted up is refused.
///
/// It holds no secret and gives no right.
package struct MTPCursor: Hashable, Sendable {
    /// Everything up to and including this position was seen.
    package var position: Int64

    package init(position: Int64) {
        self.position = position
    }

    /// Reads what `text` wrote; `nil` for anything else.
    package init?(_ text: String) {
        var digits: UInt64 = 0
        var check: UInt64 = 0
        let bytes = text.utf8
        guard bytes.count == 24 else { return nil }
        for (index, byte) in bytes.enumerated() {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if index < 16 { digits = digits << 4 | UInt64(value) } else { check = check << 4 | UInt64(value) }
        }
        guard let position = Int64(exactly: digits), UInt64(Self.check(position)) == check else { return nil }
        self.position = position
    }

    /// 24 hexadecimal digits: the position and its check.
    package var text: String {
        var number = UInt64(bitPattern: position)
        var check = Self.check(position)
        return String(unsafeUninitializedCapacity: 24) { digits in
            for index in stride(from: 15, through: 0, by: -1) {
                digits[index] = Self.digit(UInt8(truncatingIfNeeded: number & 0xF))
                number >>= 4
            }
            for index in stride(from: 23, through: 16, by: -1) {
                digits[index] = Self.digit(UInt8(truncatingIfNeeded: check & 0xF))
                check >>= 4
            }
            return 24
        }
    }

    /// Two rounds of multiply and fold, so that neighbours differ in about half of the bits.
    private static func check(_ position: Int64) -> UInt32 {
        var mixed = UInt64(bitPattern: position) &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 31)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

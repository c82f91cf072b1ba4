// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// libsodium, initialised once.
///
/// Until then it would use its slow portable code, and its random source is not open.
enum Sodium {
    /// Touch this before calling into the library.
    static let ready: Void = {
        // Fails only when the system has no random source at all, and then nothing here may go on.
        guard sodium_init() >= 0 else { fatalError("libsodium cannot be initialised") }
    }()
}

/// Comparison of secrets in a time that does not depend on where they differ.
package enum ConstantTime {
    /// Whether the two are equal.
    ///
    /// Only a difference in length ends the comparison early.
    package static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && sodium_memcmp(left, right, left.count) == 0
    }

    /// Whether the two have the same bytes of UTF-8.
    ///
    /// Only a difference in length ends the comparison early.
    package static func isEqual(_ left: String, _ right: String) -> Bool {
        var left = left
        var right = right
        return left.withUTF8 { left in
            right.withUTF8 { right in
                guard left.count == right.count else { return false }
                guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return true }
                return sodium_memcmp(leftStart, rightStart, left.count) == 0
            }
        }
    }
}

/// Lowercase hexadecimal, both ways.
package enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Two digits for each byte.
    package static func text(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var index = 0
            for byte in bytes {
                buffer[index] = digits[Int(byte >> 4)]
                buffer[index + 1] = digits[Int(byte & 15)]
                index += 2
            }
            return index
        }
    }

    /// The same, written where there is room for twice the bytes.
    ///
    /// - Returns: How many digits there are.
    package static func write(_ bytes: [UInt8], to buffer: UnsafeMutableRawBufferPointer) -> Int {
        for (index, byte) in bytes.enumerated() {
            buffer[index * 2] = digits[Int(byte >> 4)]
            buffer[index * 2 + 1] = digits[Int(byte & 15)]
        }
        return bytes.count * 2
    }

    /// The bytes, or `nil` for an odd length or any other character than a hexadecimal digit.
    package static func bytes(_ text: Substring) -> [UInt8]? {
        Array(text.utf8).withUnsafeBytes { bytes($0) }
    }

    /// The same of digits as they lie in memory.
    package static func bytes(_ characters: UnsafeRawBufferPointer) -> [UInt8]? {
        guard characters.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 2)
        for index in stride(from: 0, to: characters.count, by: 2) {
            guard let high = value(characters[index]), let low = value(characters[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    /// What a digit stands for; `nil` for any other character.
    package static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

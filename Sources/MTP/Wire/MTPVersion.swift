// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A version of the protocol, compared as numbers: 1.10 is later than 1.9, and 1 is 1.0.
package struct MTPVersion: Hashable, Sendable {
    private let parts: SIMD4<UInt32>

    /// What this server speaks: `1.0`.
    package static let current = MTPVersion(parts: SIMD4(1, 0, 0, 0))
    /// The version of `current` as text.
    package static let currentText = "1.0"
    /// The revision of the published protocol that this server follows: `17`.
    package static let revisionText = "17"

    /// One to four numbers with dots between them, each of at most six digits; `nil` for anything else.
    package init?(_ text: String) {
        var parts = SIMD4<UInt32>(repeating: 0)
        var index = 0
        var digits = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if digits > 6 { return nil }
                parts[index] = parts[index] * 10 + UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "."):
                if digits == 0 || index == 3 { return nil }
                digits = 0
                index += 1
            default: return nil
            }
        }
        if digits == 0 { return nil }
        self.parts = parts
    }

    private init(parts: SIMD4<UInt32>) {
        self.parts = parts
    }
}

extension MTPVersion: Comparable {
    package static func < (left: MTPVersion, right: MTPVersion) -> Bool {
        for index in 0..<4 where left.parts[index] != right.parts[index] {
            return left.parts[index] < right.parts[index]
        }
        return false
    }
}

extension MTPVersion: CustomStringConvertible {
    /// At least two numbers.
    package var description: String {
        let count = parts[3] != 0 ? 4 : parts[2] != 0 ? 3 : 2
        return (0..<count).map { String(parts[$0]) }.joined(separator: ".")
    }
}

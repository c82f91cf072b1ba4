// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// Base64 of RFC 4648 §4 with padding, both ways, in a time that does not depend on the content.
enum Base64 {
    private static let variant = Int32(sodium_base64_VARIANT_ORIGINAL)

    static func text(_ bytes: [UInt8]) -> String {
        // The library writes a terminating zero after the text and counts it.
        let capacity = sodium_base64_encoded_len(bytes.count, variant)
        return String(unsafeUninitializedCapacity: capacity) { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            start.withMemoryRebound(to: CChar.self, capacity: capacity) { characters in
                _ = sodium_bin2base64(characters, capacity, bytes, bytes.count, variant)
            }
            return capacity - 1
        }
    }

    /// The bytes, or `nil` for anything but base64 with complete padding.
    ///
    /// Blanks and line ends are skipped.
    static func bytes(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { source -> [UInt8]? in
            guard let start = source.baseAddress, !source.isEmpty else { return [] }
            var isWhole = false
            let bytes = [UInt8](unsafeUninitializedCapacity: source.count / 4 * 3 + 3) { target, count in
                guard let first = target.baseAddress else { return }
                start.withMemoryRebound(to: CChar.self, capacity: source.count) { characters in
                    let result = sodium_base642bin(
                        first, target.count, characters, source.count, " \t\r\n", &count, nil, variant)
                    isWhole = result == 0
                    if !isWhole { count = 0 }
                }
            }
            return isWhole ? bytes : nil
        }
    }
}

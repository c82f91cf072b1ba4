// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What cannot stand in a JSON string as it is: quotes, backslashes and control characters.
///
/// Eight bytes are looked at at a time: a word has the highest bit of each byte set that was found. A borrow may set
/// one too many, but never the lowest.
enum JSONEscape {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The bytes of `word` that need an escape.
    @inline(__always)
    static func marks(in word: UInt64) -> UInt64 {
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        return ((word &- ones &* 0x20) & ~word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash) & highBits
    }

    /// The offset of the first byte from `start` on that needs an escape; the number of bytes if there is none.
    static func first(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while offset + 8 <= text.count {
            let found = marks(in: UInt64(littleEndian: text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            if found != 0 { return offset + found.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < text.count {
            let byte = text[offset]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            offset += 1
        }
        return offset
    }
}

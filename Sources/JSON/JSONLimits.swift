// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Bounds on the shape of a text from outside, checked before anything is allocated for it.
///
/// Bytes alone are not enough: a value of two bytes takes 16 bytes as a node, and its name as many.
package struct JSONLimits: Sendable, Equatable {
    /// How many arrays and objects may lie inside each other.
    ///
    /// 1 is a flat object.
    package var depth: Int
    /// How many values (members, elements, arrays, objects) a text may have.
    package var values: Int

    /// Depth 32 and 65,536 values: beyond any message of our protocols, 2 MiB as nodes.
    package static let standard = JSONLimits(depth: 32, values: 65_536)

    package init(depth: Int, values: Int) {
        self.depth = depth
        self.values = values
    }

    /// Checks both bounds in one pass without recursion.
    ///
    /// Bytes inside strings do not count. Broken grammar passes: it is the parser's business.
    ///
    /// - Returns: How many values the text has at most.
    func check(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Int {
        // Nearly every text is within the bounds even if each such byte counted.
        let (openers, commas) = Self.openersAndCommas(in: bytes)
        if openers <= depth && openers + commas < values { return openers + commas + 1 }

        var nesting = 0
        var count = 1
        var isInString = false
        var offset = 0
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "\\") where isInString: offset += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                if isInString { break }
                nesting += 1
                count += 1
                if nesting > depth { throw JSONError(.tooDeep, at: offset) }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if !isInString { nesting -= 1 }
            case UInt8(ascii: ","):
                if !isInString { count += 1 }
            default: break
            }
            if count > values { throw JSONError(.tooManyValues, at: offset) }
            offset += 1
        }
        return count
    }
    /// How many bytes are `[` or `{`, and how many a comma; eight are looked at at a time.
    private static func openersAndCommas(in bytes: UnsafeRawBufferPointer) -> (Int, Int) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var openers = 0
        var commas = 0
        var offset = 0
        while offset + 8 <= bytes.count {
            // Each byte of these counts one byte in eight, to 255 at most.
            var someOpeners: UInt64 = 0
            var someCommas: UInt64 = 0
            let stop = min(offset + 255 * 8, bytes.count & ~7)
            while offset < stop {
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                someOpeners &+= zeroBytes(of: (word | ones &* 0x20) ^ ones &* 0x7B)
                someCommas &+= zeroBytes(of: word ^ ones &* 0x2C)
                offset += 8
            }
            openers += sumOfBytes(of: someOpeners)
            commas += sumOfBytes(of: someCommas)
        }
        for byte in bytes[offset...] {
            openers += byte | 0x20 == UInt8(ascii: "{") ? 1 : 0
            commas += byte == UInt8(ascii: ",") ? 1 : 0
        }
        return (openers, commas)
    }

    /// A word with 1 in the place of each byte that is 0, and 0 elsewhere.
    private static func zeroBytes(of word: UInt64) -> UInt64 {
        let sevens: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~((word & sevens) &+ sevens | word | sevens) >> 7
    }

    private static func sumOfBytes(of word: UInt64) -> Int {
        let low: UInt64 = 0x00FF_00FF_00FF_00FF
        return Int((((word & low) &+ (word >> 8 & low)) &* 0x0001_0001_0001_0001) >> 48)
    }
}

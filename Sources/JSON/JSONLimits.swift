// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Bounds on the shape of a text from outside, checked before anything is allocated for it.
///
/// Bytes alone are not enough: a value of two bytes takes up to 300 bytes as a tree.
package struct JSONLimits: Sendable, Equatable {
    /// How many arrays and objects may lie inside each other.
    ///
    /// 1 is a flat object.
    package var depth: Int
    /// How many values (members, elements, arrays, objects) a text may have.
    package var values: Int

    /// Depth 32 and 65,536 values: beyond any message of our protocols, about 20 MB as a tree.
    package static let standard = JSONLimits(depth: 32, values: 65_536)

    package init(depth: Int, values: Int) {
        self.depth = depth
        self.values = values
    }

    /// Checks both bounds in one pass without recursion.
    ///
    /// Bytes inside strings do not count. Broken grammar passes: it is the parser's business.
    func check(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        // Nearly every text is within the bounds even if each such byte counted, and this loop is a vector loop.
        var openers = 0
        var commas = 0
        for byte in bytes {
            openers &+= byte | 0x20 == UInt8(ascii: "{") ? 1 : 0
            commas &+= byte == UInt8(ascii: ",") ? 1 : 0
        }
        if openers <= depth && openers + commas < values { return }

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
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads one JSON text (RFC 8259) into nodes, in one pass over the bytes.
///
/// Its depth and the number of its values were checked before (`JSONLimits.check`), so recursion and nodes are bounded.
struct JSONParser {
    /// How many zero bytes must follow the text: nothing in JSON goes past a zero, and eight bytes are read at a time.
    static let padding = 8

    let text: UnsafeMutablePointer<UInt8>
    private let end: Int
    private var offset = 0
    let nodes: UnsafeMutablePointer<JSONNode>
    private let capacity: Int
    private var used = 0
    /// Of the names of large objects.
    var hashes: Set<Int> = []

    init(text: UnsafeMutablePointer<UInt8>, count: Int, nodes: UnsafeMutablePointer<JSONNode>, capacity: Int) {
        self.text = text
        self.end = count
        self.nodes = nodes
        self.capacity = capacity
    }

    mutating func parse() throws(JSONError) {
        skipBlanks()
        try value()
        skipBlanks()
        guard offset == end else {
            let error = unexpected()
            throw error.code == .syntax ? JSONError(.trailing, at: error.offset) : error
        }
    }

    // MARK: Values

    private mutating func value() throws(JSONError) {
        switch text[offset] {
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "{"): try object()
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try word("true", .yes)
        case UInt8(ascii: "f"): try word("false", .no)
        case UInt8(ascii: "n"): try word("null", .null)
        default: throw unexpected()
        }
    }

    private mutating func array() throws(JSONError) {
        let (node, first) = try begin(.array)
        var count: UInt64 = 0
        if first != UInt8(ascii: "]") {
            while true {
                try value()
                count += 1
                skipBlanks()
                guard text[offset] == UInt8(ascii: ",") else { break }
                offset += 1
                skipBlanks()
            }
        }
        try finish(node, UInt8(ascii: "]"), count)
    }

    private mutating func object() throws(JSONError) {
        let (node, first) = try begin(.object)
        var count: UInt64 = 0
        if first != UInt8(ascii: "}") {
            while true {
                guard text[offset] == UInt8(ascii: "\"") else { throw unexpected() }
                let name = used
                try string()
                guard
                    nodes[name].kind == .plainString
                        || memchr(text + nodes[name].start, 0, nodes[name].count) == nil
                else {
                    throw JSONError(.nullInName, at: offset)
                }
                guard isNew(name, amongMembersOf: node, count: Int(count)) else {
                    throw JSONError(.duplicateMember, at: offset)
                }
                skipBlanks()
                guard text[offset] == UInt8(ascii: ":") else { throw unexpected() }
                offset += 1
                skipBlanks()
                try value()
                count += 1
                skipBlanks()
                guard text[offset] == UInt8(ascii: ",") else { break }
                offset += 1
                skipBlanks()
            }
        }
        try finish(node, UInt8(ascii: "}"), count)
    }

    /// Begins an array or object; what stands first in it comes back with its node.
    private mutating func begin(_ kind: JSONNode.Kind) throws(JSONError) -> (node: Int, first: UInt8) {
        let node = used
        try add(JSONNode(kind, next: 0))
        offset += 1
        skipBlanks()
        return (node, text[offset])
    }

    private mutating func finish(_ node: Int, _ closing: UInt8, _ count: UInt64) throws(JSONError) {
        guard text[offset] == closing else { throw unexpected() }
        offset += 1
        nodes[node].next = UInt32(truncatingIfNeeded: used)
        nodes[node].bits = count
    }

    private mutating func word(_ word: StaticString, _ kind: JSONNode.Kind) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        guard offset + count <= end, memcmp(text + offset, word.utf8Start, count) == 0,
            !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[offset + count] | 0x20)
        else { throw JSONError(.syntax, at: offset) }
        offset += count
        try add(JSONNode(kind, next: used + 1))
    }

    private mutating func add(_ node: JSONNode) throws(JSONError) {
        guard used < capacity else { throw JSONError(.tooManyValues, at: offset) }
        (nodes + used).initialize(to: node)
        used += 1
    }

    private mutating func skipBlanks() {
        while true {
            switch text[offset] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): offset += 1
            default: return
            }
        }
    }

    /// What is wrong with the byte at `offset`, which cannot stand there.
    private func unexpected() -> JSONError {
        if offset == end { return JSONError(.truncated, at: end) }
        let isCharacter = text[offset] < 0x80 || characterLength(at: offset) > 0
        return JSONError(isCharacter ? .syntax : .invalidUTF8, at: offset + 1)
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) {
        let start = offset
        let isNegative = text[offset] == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let first = offset
        var magnitude: UInt64 = 0
        var isTooLarge = false
        while let digit = digit(at: offset) {
            let (product, isOverflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, isCarry) = product.addingReportingOverflow(UInt64(digit))
            magnitude = sum
            isTooLarge = isTooLarge || isOverflow || isCarry
            offset += 1
        }
        guard offset > first, offset == first + 1 || text[first] != UInt8(ascii: "0") else {
            throw JSONError(.syntax, at: offset)
        }
        if text[offset] == UInt8(ascii: ".") || text[offset] | 0x20 == UInt8(ascii: "e") {
            return try real(from: start)
        }
        guard !isTooLarge, magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) else {
            throw JSONError(.numberTooLarge, at: offset)
        }
        try add(JSONNode(.integer, next: used + 1, bits: isNegative ? 0 &- magnitude : magnitude))
    }

    /// The rest of a number with a fraction or an exponent.
    private mutating func real(from start: Int) throws(JSONError) {
        if text[offset] == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if text[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if text[offset] == UInt8(ascii: "+") || text[offset] == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        // It stops where the grammar does: no process of ours sets a locale.
        let value = (text + start).withMemoryRebound(to: CChar.self, capacity: offset - start) { strtod($0, nil) }
        guard value.isFinite else { throw JSONError(.numberTooLarge, at: offset) }
        try add(JSONNode(.real, next: used + 1, bits: value.bitPattern))
    }

    private mutating func digits() throws(JSONError) {
        guard digit(at: offset) != nil else { throw JSONError(.syntax, at: offset) }
        while digit(at: offset) != nil { offset += 1 }
    }

    private func digit(at offset: Int) -> UInt8? {
        let value = text[offset] &- UInt8(ascii: "0")
        return value < 10 ? value : nil
    }

    // MARK: Strings

    /// A string, from its quote on.
    private mutating func string() throws(JSONError) {
        offset += 1
        let start = offset
        while true {
            try skipCharacters()
            switch text[offset] {
            case UInt8(ascii: "\""): return try endString(.plainString, start, offset)
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            default: throw unexpected()
            }
        }
    }

    /// The rest of a string that has escapes: they are undone where they stand, since what they mean is never longer.
    private mutating func escapedString(from start: Int) throws(JSONError) {
        var written = offset
        while true {
            let run = offset
            try skipCharacters()
            memmove(text + written, text + run, offset - run)
            written += offset - run
            switch text[offset] {
            case UInt8(ascii: "\""): return try endString(.string, start, written)
            case UInt8(ascii: "\\"): try undoEscape(to: &written)
            default: throw unexpected()
            }
        }
    }

    private mutating func endString(_ kind: JSONNode.Kind, _ start: Int, _ stop: Int) throws(JSONError) {
        offset += 1
        try add(JSONNode(kind, next: used + 1, bits: UInt64(start) << 32 | UInt64(stop - start)))
    }

    /// Goes to the next quote, backslash or control character.
    private mutating func skipCharacters() throws(JSONError) {
        while true {
            let word = UInt64(littleEndian: UnsafeRawPointer(text + offset).loadUnaligned(as: UInt64.self))
            let found = JSONEscape.marks(in: word) | word & JSONEscape.highBits
            guard found != 0 else {
                offset += 8
                continue
            }
            offset += found.trailingZeroBitCount / 8
            guard text[offset] >= 0x80 else { return }
            while text[offset] >= 0x80 {
                let length = characterLength(at: offset)
                guard length > 0 else { throw JSONError(.invalidUTF8, at: offset) }
                offset += length
            }
        }
    }

    /// The length of the character of UTF-8 that begins at `offset` with a byte above 0x7F; 0 if there is none.
    private func characterLength(at offset: Int) -> Int {
        func isNext(_ distance: Int, in range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            range.contains(text[offset + distance])
        }
        switch text[offset] {
        case 0xC2...0xDF: return isNext(1) ? 2 : 0
        case 0xE0: return isNext(1, in: 0xA0...0xBF) && isNext(2) ? 3 : 0
        case 0xED: return isNext(1, in: 0x80...0x9F) && isNext(2) ? 3 : 0
        case 0xE1...0xEF: return isNext(1) && isNext(2) ? 3 : 0
        case 0xF0: return isNext(1, in: 0x90...0xBF) && isNext(2) && isNext(3) ? 4 : 0
        case 0xF1...0xF3: return isNext(1) && isNext(2) && isNext(3) ? 4 : 0
        case 0xF4: return isNext(1, in: 0x80...0x8F) && isNext(2) && isNext(3) ? 4 : 0
        default: return 0
        }
    }

    private mutating func undoEscape(to written: inout Int) throws(JSONError) {
        let letter = text[offset + 1]
        offset += 2
        let byte: UInt8
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte = letter
        case UInt8(ascii: "b"): byte = 0x8
        case UInt8(ascii: "f"): byte = 0xC
        case UInt8(ascii: "n"): byte = UInt8(ascii: "\n")
        case UInt8(ascii: "r"): byte = UInt8(ascii: "\r")
        case UInt8(ascii: "t"): byte = UInt8(ascii: "\t")
        case UInt8(ascii: "u"):
            for unit in UTF8.encode(try escapedScalar()).unsafelyUnwrapped {
                text[written] = unit
                written += 1
            }
            return
        default:
            offset -= 1
            throw unexpected()
        }
        text[written] = byte
        written += 1
    }

    /// The character after `\u`; beyond U+FFFF it takes two escapes.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let unit = try escapedUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, text[offset] == UInt8(ascii: "\\"), text[offset + 1] == UInt8(ascii: "u") else {
            throw JSONError(.syntax, at: offset)
        }
        offset += 2
        let second = try escapedUnit()
        guard UTF16.isTrailSurrogate(second) else { throw JSONError(.syntax, at: offset) }
        let pair = 0x10000 + (UInt32(unit - 0xD800) << 10 | UInt32(second - 0xDC00))
        guard let scalar = Unicode.Scalar(pair) else { throw JSONError(.syntax, at: offset) }
        return scalar
    }

    private mutating func escapedUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let value: UInt8
            switch text[offset] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = text[offset] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = text[offset] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = text[offset] - UInt8(ascii: "A") + 10
            default: throw JSONError(.syntax, at: offset)
            }
            unit = unit << 4 | UInt16(value)
            offset += 1
        }
        return unit
    }
}

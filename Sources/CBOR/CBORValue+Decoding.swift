// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

extension CBORValue {
    /// Decodes exactly one item, of any encoding that RFC 8949 calls well-formed and valid.
    ///
    /// The bytes are not needed afterwards. Tags are kept, not understood. Maps with other keys than texts are refused.
    ///
    /// - Parameters:
    ///   - bytes: The whole item, nothing after it.
    ///   - limits: What is refused unread.
    /// - Throws: `CBORError` with the reason and the offset.
    package init(decoding bytes: UnsafeRawBufferPointer, limits: CBORLimits = .standard) throws(CBORError) {
        guard bytes.count <= limits.bytes else { throw CBORError(.tooLong, at: limits.bytes) }
        guard !bytes.isEmpty else { throw CBORError(.empty, at: 0) }
        var reader = CBORReader(bytes: bytes, itemsLeft: limits.items)
        try reader.count(1, at: 0)
        self = try reader.value(depthLeft: limits.depth)
        guard reader.offset == bytes.count else { throw CBORError(.trailing, at: reader.offset) }
    }

    /// The same for an array of bytes.
    package init(decoding bytes: [UInt8], limits: CBORLimits = .standard) throws(CBORError) {
        self = try bytes[...].decoded(limits)
    }

    /// The same for a slice; offsets count from its start.
    package init(decoding bytes: ArraySlice<UInt8>, limits: CBORLimits = .standard) throws(CBORError) {
        self = try bytes.decoded(limits)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func decoded(_ limits: CBORLimits) throws(CBORError) -> CBORValue {
        // `withUnsafeBytes` rethrows without a type.
        try withUnsafeBytes { bytes in
            Result { () throws(CBORError) in try CBORValue(decoding: bytes, limits: limits) }
        }.get()
    }
}

/// Reads items one after the other.
///
/// Every item is counted before memory is reserved for it, containers with all that their heads promise, so that what
/// is reserved in all stays within the limit however the heads lie.
private struct CBORReader {
    let bytes: UnsafeRawBufferPointer
    var itemsLeft: Int
    var offset = 0

    private var remaining: Int { bytes.count - offset }

    /// The first byte of an item apart, and the argument after it.
    private struct Head {
        var major: UInt8
        var information: UInt8
        /// `nil` is an indefinite length, or the break.
        var argument: UInt64?
    }

    mutating func count(_ items: Int, at start: Int) throws(CBORError) {
        guard items <= itemsLeft else { throw CBORError(.tooManyItems, at: start) }
        itemsLeft -= items
    }

    mutating func value(depthLeft: Int) throws(CBORError) -> CBORValue {
        let start = offset
        let head = try head()
        switch head.major {
        case 0: return .unsigned(try definite(head, at: start))
        case 1: return .negative(try definite(head, at: start))
        case 2: return .bytes(try byteString(head, at: start))
        case 3: return .text(try text(head, at: start))
        case 4:
            guard depthLeft > 0 else { throw CBORError(.tooDeep, at: start) }
            return .array(try elements(head, at: start, depthLeft: depthLeft - 1))
        case 5:
            guard depthLeft > 0 else { throw CBORError(.tooDeep, at: start) }
            return .map(try pairs(head, at: start, depthLeft: depthLeft - 1))
        case 6:
            let number = try definite(head, at: start)
            guard depthLeft > 0 else { throw CBORError(.tooDeep, at: start) }
            try count(1, at: start)
            return .tag(number, try value(depthLeft: depthLeft - 1))
        default: return try simpleOrFloat(head, at: start)
        }
    }

    // MARK: Heads

    private mutating func head() throws(CBORError) -> Head {
        let start = offset
        guard remaining > 0 else { throw CBORError(.truncated, at: start) }
        let first = bytes[offset]
        offset += 1
        var head = Head(major: first >> 5, information: first & 0x1F, argument: nil)
        switch head.information {
        case 0..<24: head.argument = UInt64(head.information)
        case 24: head.argument = UInt64(try bigEndian(UInt8.self, at: start))
        case 25: head.argument = UInt64(try bigEndian(UInt16.self, at: start))
        case 26: head.argument = UInt64(try bigEndian(UInt32.self, at: start))
        case 27: head.argument = try bigEndian(UInt64.self, at: start)
        case 31: break
        default: throw CBORError(.reserved, at: start)
        }
        return head
    }

    private mutating func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, at start: Int
    ) throws(CBORError) -> Number {
        let size = MemoryLayout<Number>.size
        guard remaining >= size else { throw CBORError(.truncated, at: start) }
        defer { offset += size }
        return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    private func definite(_ head: Head, at start: Int) throws(CBORError) -> UInt64 {
        guard let argument = head.argument else { throw CBORError(.indefinite, at: start) }
        return argument
    }

    /// A promised number of things that each take at least `size` bytes.
    private func promised(_ argument: UInt64, size: Int, at start: Int) throws(CBORError) -> Int {
        guard argument <= UInt64(remaining / size) else { throw CBORError(.truncated, at: start) }
        return Int(argument)
    }

    /// Consumes the break that ends an indefinite length, if it comes next.
    private mutating func consumeBreak() throws(CBORError) -> Bool {
        guard remaining > 0 else { throw CBORError(.truncated, at: offset) }
        guard bytes[offset] == 0xFF else { return false }
        offset += 1
        return true
    }

    // MARK: Strings

    private mutating func string(_ length: UInt64, at start: Int) throws(CBORError) -> UnsafeRawBufferPointer {
        let length = try promised(length, size: 1, at: start)
        defer { offset += length }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
    }

    private mutating func byteString(_ head: Head, at start: Int) throws(CBORError) -> [UInt8] {
        if let length = head.argument { return Array(try string(length, at: start)) }
        var whole: [UInt8] = []
        while let chunk = try chunk(of: 2) { whole.append(contentsOf: chunk.bytes) }
        return whole
    }

    private mutating func text(_ head: Head, at start: Int) throws(CBORError) -> String {
        if let length = head.argument { return try utf8(string(length, at: start), at: start) }
        var whole = ""
        // No character may lie across two chunks (RFC 8949 §3.2.3).
        while let chunk = try chunk(of: 3) { whole += try utf8(chunk.bytes, at: chunk.start) }
        return whole
    }

    private func utf8(_ text: UnsafeRawBufferPointer, at start: Int) throws(CBORError) -> String {
        let valid = text.withMemoryRebound(to: UInt8.self) { String(validating: $0, as: UTF8.self) }
        guard let valid else { throw CBORError(.invalidUTF8, at: start) }
        return valid
    }

    /// The next part of a string of indefinite length; `nil` at its end.
    private mutating func chunk(of major: UInt8) throws(CBORError) -> (bytes: UnsafeRawBufferPointer, start: Int)? {
        if try consumeBreak() { return nil }
        let start = offset
        let head = try head()
        guard head.major == major, let length = head.argument else { throw CBORError(.invalidChunk, at: start) }
        try count(1, at: start)
        return (try string(length, at: start), start)
    }

    // MARK: Containers

    private mutating func elements(_ head: Head, at start: Int, depthLeft: Int) throws(CBORError) -> [CBORValue] {
        var elements: [CBORValue] = []
        if let argument = head.argument {
            let promised = try promised(argument, size: 1, at: start)
            try count(promised, at: start)
            elements.reserveCapacity(promised)
            for _ in 0..<promised { elements.append(try value(depthLeft: depthLeft)) }
        } else {
            while try !consumeBreak() {
                try count(1, at: offset)
                elements.append(try value(depthLeft: depthLeft))
            }
        }
        return elements
    }

    private mutating func pairs(_ head: Head, at start: Int, depthLeft: Int) throws(CBORError) -> [CBORPair] {
        var pairs: [CBORPair] = []
        var keys = CBORKeys()
        if let argument = head.argument {
            let promised = try promised(argument, size: 2, at: start)
            try count(2 * promised, at: start)
            pairs.reserveCapacity(promised)
            for _ in 0..<promised { try pair(into: &pairs, keys: &keys, depthLeft: depthLeft) }
        } else {
            while try !consumeBreak() {
                try count(2, at: offset)
                try pair(into: &pairs, keys: &keys, depthLeft: depthLeft)
            }
        }
        return pairs
    }

    private mutating func pair(
        into pairs: inout [CBORPair], keys: inout CBORKeys, depthLeft: Int
    ) throws(CBORError) {
        let start = offset
        let head = try head()
        if head.major == 7, head.argument == nil { throw CBORError(.misplacedBreak, at: start) }
        guard head.major == 3 else { throw CBORError(.nonTextKey, at: start) }
        let key = try text(head, at: start)
        guard keys.insert(key, after: pairs) else { throw CBORError(.duplicateKey, at: start) }
        pairs.append(CBORPair(key, try value(depthLeft: depthLeft)))
    }

    // MARK: Major type 7

    private func simpleOrFloat(_ head: Head, at start: Int) throws(CBORError) -> CBORValue {
        guard let argument = head.argument else { throw CBORError(.misplacedBreak, at: start) }
        switch head.information {
        case 20: return .bool(false)
        case 21: return .bool(true)
        case 22: return .null
        case 23: return .undefined
        case 0..<20: return .simple(head.information)
        case 24:
            guard argument >= 32 else { throw CBORError(.reserved, at: start) }
            return .simple(UInt8(truncatingIfNeeded: argument))
        case 25: return .half(Float16(bitPattern: UInt16(truncatingIfNeeded: argument)))
        case 26: return .single(Float(bitPattern: UInt32(truncatingIfNeeded: argument)))
        default: return .double(Double(bitPattern: argument))
        }
    }
}

/// The keys of one map so far: compared one by one while they are few, which they nearly always are, then by their
/// hashes, so that a map of many keys does not take the square of their number.
private struct CBORKeys {
    private static let few = 8
    private var hashed: Set<ExactText> = []

    /// - Returns: Whether the key is new.
    mutating func insert(_ key: String, after pairs: [CBORPair]) -> Bool {
        let key = ExactText(key)
        if pairs.count < Self.few { return !pairs.contains { ExactText($0.key) == key } }
        if hashed.isEmpty { hashed = Set(pairs.lazy.map { ExactText($0.key) }) }
        return hashed.insert(key).inserted
    }
}

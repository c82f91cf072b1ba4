// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Writes compact JSON into one block of memory.
///
/// It puts the commas; what it does not check is that containers and members pair up, which is fixed by the calling
/// code and never by input:
/// ```swift
/// var writer = JSONWriter()
/// writer.beginObject()
/// writer.member("text", "Hello")
/// writer.endObject()
/// ```
package struct JSONWriter: ~Copyable {
    private var block: UnsafeMutableRawBufferPointer
    private var count = 0
    private var needsComma = false

    /// Starts with nothing, and room for `capacity` bytes.
    package init(capacity: Int = 256) {
        block = .allocate(byteCount: max(capacity, 16), alignment: 1)
    }

    /// Continues after `prefix`, such as the header of a frame.
    package init(appendingTo prefix: [UInt8]) {
        self.init(capacity: prefix.count + 256)
        prefix.withUnsafeBytes { append($0) }
    }

    deinit {
        block.deallocate()
    }

    /// A copy of what was written so far.
    package var bytes: [UInt8] { withBytes { Array($0) } }

    /// Calls `body` with what was written so far, where it lies.
    package func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(rebasing: block[..<count]))
    }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The name of the member whose value comes next.
    ///
    /// It is copied as it stands, so it must need no escaping.
    package mutating func key(_ name: StaticString) {
        reserve(name.utf8CodeUnitCount + 4)
        separate()
        put(UInt8(ascii: "\""))
        append(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        put(UInt8(ascii: "\""))
        put(UInt8(ascii: ":"))
        needsComma = false
    }

    /// The name of the member whose value comes next, escaped.
    package mutating func key(escaping name: String) { key(escaping: JSONText(name)) }

    /// The name of the member whose value comes next, escaped.
    package mutating func key(escaping name: JSONText) {
        string(name)
        reserve(1)
        put(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func string(_ value: String) { string(JSONText(value)) }

    package mutating func string(_ value: JSONText) {
        value.withUTF8 { bytes in
            reserve(bytes.count + 3)
            separate()
            put(UInt8(ascii: "\""))
            if value.isPlain { append(bytes) } else { appendEscaped(bytes) }
            reserve(1)
            put(UInt8(ascii: "\""))
        }
    }

    /// A string of at most `capacity` bytes, which `body` writes where it stands and counts.
    ///
    /// They must need no escaping.
    package mutating func string(capacity: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(capacity + 3)
        separate()
        put(UInt8(ascii: "\""))
        count += body(UnsafeMutableRawBufferPointer(rebasing: block[count..<count + capacity]))
        put(UInt8(ascii: "\""))
    }

    package mutating func int(_ value: Int) { int(Int64(value)) }

    package mutating func int(_ value: Int64) {
        reserve(22)
        separate()
        if value < 0 { put(UInt8(ascii: "-")) }
        let start = count
        var rest = value.magnitude
        repeat {
            put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        block[start..<count].reverse()
    }

    /// The shortest text that reads back as the same number; `null` for what JSON cannot say (NaN, infinities).
    package mutating func double(_ value: Double) {
        var text = value.isFinite ? value.description : "null"
        text.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
    }

    package mutating func bool(_ value: Bool) {
        raw(value ? "true" : "false")
    }

    package mutating func null() {
        raw("null")
    }

    /// A member, if it has a value.
    package mutating func member(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        key(name)
        string(value)
    }

    /// A member, if it has a value.
    package mutating func member(_ name: StaticString, _ value: JSONText?) {
        guard let value else { return }
        key(name)
        string(value)
    }

    /// A member, if it has a value.
    package mutating func member(_ name: StaticString, _ value: Int64?) {
        guard let value else { return }
        key(name)
        int(value)
    }

    /// A member, if it has a value.
    package mutating func member(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        key(name)
        bool(value)
    }

    /// One value that is JSON already.
    package mutating func raw(_ json: StaticString) {
        raw(UnsafeRawBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
    }

    /// One value that is JSON already.
    package mutating func raw(_ json: [UInt8]) {
        json.withUnsafeBytes { raw($0) }
    }

    /// One value that is JSON already.
    package mutating func raw(_ json: UnsafeRawBufferPointer) {
        reserve(1)
        separate()
        append(json)
    }

    /// A parsed value.
    ///
    /// Its depth is bounded by the limits it was parsed with.
    package mutating func value(_ value: JSONValue) {
        switch value.kind {
        case .object:
            beginObject()
            if let members = value.members {
                for member in members {
                    key(escaping: member.name)
                    self.value(member.value)
                }
            }
            endObject()
        case .array:
            beginArray()
            if let elements = value.array {
                for element in elements { self.value(element) }
            }
            endArray()
        case .string: value.text.map { string($0) }
        case .integer: value.int.map { int($0) }
        case .real: value.double.map { double($0) }
        case .bool: value.bool.map { bool($0) }
        case .null: null()
        }
    }

    private mutating func open(_ byte: UInt8) {
        reserve(2)
        separate()
        put(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        reserve(1)
        put(byte)
        needsComma = true
    }

    /// Writes the comma before a value, for which there must be room.
    private mutating func separate() {
        if needsComma { put(UInt8(ascii: ",")) }
        needsComma = true
    }

    // MARK: Bytes

    /// Makes room for so many more bytes.
    private mutating func reserve(_ additional: Int) {
        if block.count - count < additional { grow(additional) }
    }

    private mutating func grow(_ additional: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(block.count * 2, count + additional), alignment: 1)
        withBytes { larger.copyMemory(from: $0) }
        block.deallocate()
        block = larger
    }

    /// Writes a byte for which there is room.
    private mutating func put(_ byte: UInt8) {
        block[count] = byte
        count += 1
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        guard let source = bytes.baseAddress, let target = block.baseAddress else { return }
        (target + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// Copies runs that need no escape as they are; only `"`, `\` and control characters need one.
    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        var start = 0
        while true {
            let end = JSONEscape.first(in: text, from: start)
            append(UnsafeRawBufferPointer(rebasing: text[start..<end]))
            guard end < text.count else { return }
            appendEscape(for: text[end])
            start = end + 1
        }
    }

    private mutating func appendEscape(for byte: UInt8) {
        reserve(6)
        put(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\n"): put(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"): put(UInt8(ascii: "r"))
        case UInt8(ascii: "\t"): put(UInt8(ascii: "t"))
        case 0..<0x20:
            put(UInt8(ascii: "u"))
            put(UInt8(ascii: "0"))
            put(UInt8(ascii: "0"))
            put(UInt8(ascii: "0") + (byte >> 4))
            put((byte & 0xF < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) + byte & 0xF)
        default: put(byte)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Appends CBOR to an array of bytes, in the preferred, shortest form, all lengths definite.
///
/// What it does not check is that keys and values pair up and that an array has as many elements as it said, which is
/// fixed by the calling code and never by input:
/// ```swift
/// var writer = CBORWriter()
/// writer.map { writer in
///     writer.member("type", "info")
///     writer.member("info", "Hello")
/// }
/// ```
package struct CBORWriter: Sendable {
    /// What was written so far.
    package private(set) var bytes: [UInt8]
    /// How many keys the innermost open map has.
    private var keyCount = 0

    /// Starts with nothing, and room for `capacity` bytes.
    package init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Continues after `prefix`, such as the header of a frame.
    package init(appendingTo prefix: consuming [UInt8]) {
        bytes = prefix
    }

    // MARK: Single values

    package mutating func unsigned(_ value: UInt64) { head(0x00, value) }

    /// The number -1 - `value`.
    package mutating func negative(_ value: UInt64) { head(0x20, value) }

    package mutating func int(_ value: Int64) {
        if value < 0 { negative(UInt64(bitPattern: ~value)) } else { unsigned(UInt64(value)) }
    }

    package mutating func int(_ value: Int) { int(Int64(value)) }

    package mutating func byteString(_ value: some Collection<UInt8>) {
        head(0x40, UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            head(0x60, UInt64(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    package mutating func text(_ value: StaticString) {
        head(0x60, UInt64(value.utf8CodeUnitCount))
        bytes.append(contentsOf: UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    package mutating func bool(_ value: Bool) { bytes.append(value ? 0xF5 : 0xF4) }
    package mutating func null() { bytes.append(0xF6) }
    package mutating func undefined() { bytes.append(0xF7) }

    /// A simple value: 0 to 23 or 32 to 255; there are no others.
    package mutating func simple(_ value: UInt8) { head(0xE0, UInt64(value)) }

    /// 16 bits, as they are.
    package mutating func half(_ value: Float16) {
        bytes.append(0xF9)
        append(value.bitPattern)
    }

    /// 32 bits, as they are.
    package mutating func single(_ value: Float) {
        bytes.append(0xFA)
        append(value.bitPattern)
    }

    /// 64 bits, as they are; `CBORValue.float(_:)` finds the shortest form.
    package mutating func double(_ value: Double) {
        bytes.append(0xFB)
        append(value.bitPattern)
    }

    /// The number of a tag, whose value comes next.
    package mutating func tag(_ number: UInt64) { head(0xC0, number) }

    // MARK: Containers

    /// The head of an array, whose elements come next.
    package mutating func array(count: Int) { head(0x80, UInt64(count)) }

    /// A whole array.
    ///
    /// - Parameters:
    ///   - elements: What it holds.
    ///   - write: Writes one of them as one item.
    package mutating func array<Element>(
        _ elements: some Collection<Element>, _ write: (inout CBORWriter, Element) -> Void
    ) {
        array(count: elements.count)
        for element in elements { write(&self, element) }
    }

    /// The head of a map, whose keys and values come next.
    package mutating func map(count: Int) { head(0xA0, UInt64(count)) }

    /// A whole map whose keys `body` writes by `key` and `member`; they are counted here.
    package mutating func map(_ body: (inout CBORWriter) -> Void) {
        let outerCount = keyCount
        let start = bytes.count
        keyCount = 0
        bytes.append(0xA0)
        body(&self)
        if keyCount < 24 {
            bytes[start] = 0xA0 | UInt8(keyCount)
        } else {
            // The head was taken for a short one.
            let members = Array(bytes[(start + 1)...])
            bytes.removeSubrange(start...)
            head(0xA0, UInt64(keyCount))
            bytes.append(contentsOf: members)
        }
        keyCount = outerCount
    }

    /// The key of a map whose value comes next.
    package mutating func key(_ name: StaticString) {
        keyCount += 1
        text(name)
    }

    /// A key and its value, if it has one.
    package mutating func member(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        key(name)
        text(value)
    }

    /// A key and its value, if it has one.
    package mutating func member(_ name: StaticString, _ value: Int64?) {
        guard let value else { return }
        key(name)
        int(value)
    }

    /// A key and its value, if it has one.
    package mutating func member(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        key(name)
        bool(value)
    }

    /// A key and its value, if it has one.
    package mutating func member(_ name: StaticString, _ value: CBORValue?) {
        guard let value else { return }
        key(name)
        self.value(value)
    }

    // MARK: Values

    /// Any value; floats keep their width.
    ///
    /// It recurses as deep as the value, which its limits bounded when it was decoded.
    package mutating func value(_ value: CBORValue) {
        switch value {
        case .unsigned(let value): unsigned(value)
        case .negative(let value): negative(value)
        case .bytes(let bytes): byteString(bytes)
        case .text(let value): text(value)
        case .array(let elements): array(elements) { $0.value($1) }
        case .map(let pairs):
            map(count: pairs.count)
            for pair in pairs {
                text(pair.key)
                self.value(pair.value)
            }
        case .tag(let number, let value):
            tag(number)
            self.value(value)
        case .simple(let value): simple(value)
        case .bool(let value): bool(value)
        case .null: null()
        case .undefined: undefined()
        case .half(let value): half(value)
        case .single(let value): single(value)
        case .double(let value): double(value)
        }
    }

    // MARK: Heads

    private mutating func head(_ major: UInt8, _ argument: UInt64) {
        switch argument {
        case 0..<24: bytes.append(major | UInt8(truncatingIfNeeded: argument))
        case 24...0xFF:
            bytes.append(major | 24)
            bytes.append(UInt8(truncatingIfNeeded: argument))
        case 0x100...0xFFFF:
            bytes.append(major | 25)
            append(UInt16(truncatingIfNeeded: argument))
        case 0x1_0000...0xFFFF_FFFF:
            bytes.append(major | 26)
            append(UInt32(truncatingIfNeeded: argument))
        default:
            bytes.append(major | 27)
            append(argument)
        }
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

extension CBORValue {
    /// The value in the preferred form; floats keep their width.
    package func encoded() -> [UInt8] {
        var writer = CBORWriter()
        writer.value(self)
        return writer.bytes
    }
}

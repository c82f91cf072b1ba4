// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

/// One data item of CBOR (RFC 8949), with nothing lost that the generic data model knows, but the keys of maps are
/// texts.
///
/// What the encoding leaves open is not kept: the length of a head, and whether a length was indefinite.
///
/// An accessor of another type than the value's answers `nil`; nothing traps.
package enum CBORValue: Sendable {
    /// Major type 0.
    case unsigned(UInt64)
    /// Major type 1: the number -1 - n, down to -2^64.
    case negative(UInt64)
    /// Major type 2.
    case bytes([UInt8])
    /// Major type 3: valid UTF-8.
    case text(String)
    /// Major type 4.
    case array([CBORValue])
    /// Major type 5, in the order of the wire.
    ///
    /// A decoded map has no key twice.
    case map([CBORPair])
    /// Major type 6: a value and the number that says what it means.
    indirect case tag(UInt64, CBORValue)
    /// A simple value without a name: 0 to 19 or 32 to 255.
    case simple(UInt8)
    case bool(Bool)
    case null
    case undefined
    /// A float of 16 bits.
    case half(Float16)
    /// A float of 32 bits.
    case single(Float)
    /// A float of 64 bits.
    case double(Double)
}

/// One key of a map and its value.
///
/// Keys are equal if their bytes are.
package struct CBORPair: Hashable, Sendable {
    private let name: ExactText
    package var value: CBORValue

    package init(_ key: String, _ value: CBORValue) {
        name = ExactText(key)
        self.value = value
    }

    package var key: String { name.string }
}

extension CBORValue {
    /// An integer of major type 0 or 1.
    package static func int(_ value: Int64) -> CBORValue {
        value < 0 ? .negative(UInt64(bitPattern: ~value)) : .unsigned(UInt64(value))
    }

    /// The number in the shortest float that holds it exactly; every NaN becomes the half 0x7e00.
    package static func float(_ value: Double) -> CBORValue {
        if value.isNaN { return .half(Float16(bitPattern: 0x7E00)) }
        if Double(Float16(value)) == value { return .half(Float16(value)) }
        if Double(Float(value)) == value { return .single(Float(value)) }
        return .double(value)
    }

    package var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    /// An integer, if it has 64 bits with its sign.
    package var int: Int64? {
        switch self {
        case .unsigned(let value): Int64(exactly: value)
        case .negative(let value): Int64(exactly: value).map { ~$0 }
        default: nil
        }
    }

    /// Any integer, or a float of any width.
    ///
    /// Integers beyond 53 bits are rounded.
    package var number: Double? {
        switch self {
        case .unsigned(let value): Double(value)
        case .negative(let value): -1 - Double(value)
        case .half(let value): Double(value)
        case .single(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    package var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    package var bytes: [UInt8]? {
        guard case .bytes(let bytes) = self else { return nil }
        return bytes
    }

    package var array: [CBORValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    package var map: [CBORPair]? {
        guard case .map(let pairs) = self else { return nil }
        return pairs
    }

    package var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// The value of a key; `nil` also when this is no map.
    package subscript(key: String) -> CBORValue? {
        guard case .map(let pairs) = self else { return nil }
        return pairs.first { ExactText($0.key) == ExactText(key) }?.value
    }

    /// What it is, with its article, for messages: `a byte string`.
    package var kind: StaticString {
        switch self {
        case .unsigned, .negative: "an integer"
        case .bytes: "a byte string"
        case .text: "a text"
        case .array: "an array"
        case .map: "a map"
        case .tag: "a tagged value"
        case .simple: "a simple value"
        case .bool: "a boolean"
        case .null: "null"
        case .undefined: "undefined"
        case .half, .single, .double: "a float"
        }
    }
}

/// Equality is that of RFC 8949 §5.6.1: 1 and 1.0 differ, texts compare by their bytes.
///
/// Floats compare by their bits, so that a NaN equals itself; -0.0 and 0.0 differ.
extension CBORValue: Hashable {
    package static func == (left: CBORValue, right: CBORValue) -> Bool {
        switch (left, right) {
        case (.unsigned(let left), .unsigned(let right)): left == right
        case (.negative(let left), .negative(let right)): left == right
        case (.bytes(let left), .bytes(let right)): left == right
        case (.text(let left), .text(let right)): ExactText(left) == ExactText(right)
        case (.array(let left), .array(let right)): left == right
        case (.map(let left), .map(let right)): left == right
        case (.tag(let left, let leftValue), .tag(let right, let rightValue)): left == right && leftValue == rightValue
        case (.simple(let left), .simple(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.null, .null), (.undefined, .undefined): true
        case (.half(let left), .half(let right)): left.bitPattern == right.bitPattern
        case (.single(let left), .single(let right)): left.bitPattern == right.bitPattern
        case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .unsigned(let value): hasher.combine(value)
        case .negative(let value): hasher.combine(~value)
        case .bytes(let bytes): hasher.combine(bytes)
        case .text(let text): hasher.combine(ExactText(text))
        case .array(let elements): hasher.combine(elements)
        case .map(let pairs): hasher.combine(pairs)
        case .tag(let number, let value):
            hasher.combine(number)
            value.hash(into: &hasher)
        case .simple(let value): hasher.combine(value)
        case .bool(let value): hasher.combine(value)
        case .null: hasher.combine(0xF6)
        case .undefined: hasher.combine(0xF7)
        case .half(let value): hasher.combine(value.bitPattern)
        case .single(let value): hasher.combine(value.bitPattern)
        case .double(let value): hasher.combine(value.bitPattern)
        }
    }
}

extension CBORValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: CBORValue...) { self = .array(elements) }

    /// A map in the order of the literal.
    package init(dictionaryLiteral pairs: (String, CBORValue)...) {
        self = .map(pairs.map { CBORPair($0.0, $0.1) })
    }
}

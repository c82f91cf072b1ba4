// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A JSON value that is built piece by piece: parameters put together from a request, and descriptions of them.
///
/// Members are written as they are named here, whatever the encoder makes of other keys.
package indirect enum JSONTree: Sendable, Equatable {
    case object([String: JSONTree])
    case array([JSONTree])
    case string(String)
    case integer(Int64)
    case real(Double)
    case bool(Bool)
    case null

    /// Copies a parsed value, whose depth its limits bound.
    package init(_ value: JSONValue) {
        switch value.kind {
        case .object:
            let members = value.members.map { $0.map { ($0.name.string, JSONTree($0.value)) } } ?? []
            self = .object(Dictionary(members) { first, _ in first })
        case .array: self = .array(value.array.map { $0.map { JSONTree($0) } } ?? [])
        case .string: self = .string(value.string ?? "")
        case .integer: self = .integer(value.int ?? 0)
        case .real: self = .real(value.double ?? 0)
        case .bool: self = .bool(value.bool ?? false)
        case .null: self = .null
        }
    }

    /// The member of an object.
    package subscript(name: String) -> JSONTree? {
        if case .object(let members) = self { members[name] } else { nil }
    }
}

extension JSONTree: Encodable {
    private struct MemberKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    /// Writes the value.
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: MemberKey.self)
            for (name, value) in members { try container.encode(value, forKey: MemberKey(stringValue: name)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .string(let text): try Self.write(text, to: encoder)
        case .integer(let number): try Self.write(number, to: encoder)
        case .real(let number): try Self.write(number, to: encoder)
        case .bool(let value): try Self.write(value, to: encoder)
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        }
    }

    private static func write(_ value: some Encodable, to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

extension JSONTree: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    package init(dictionaryLiteral elements: (String, JSONTree)...) {
        self = .object(Dictionary(elements) { first, _ in first })
    }

    package init(arrayLiteral elements: JSONTree...) { self = .array(elements) }

    package init(stringLiteral value: String) { self = .string(value) }

    package init(integerLiteral value: Int64) { self = .integer(value) }

    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

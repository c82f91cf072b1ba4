// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a `JSONValue` is.
package enum JSONKind: Sendable, Equatable {
    case object, array, string, integer, real, bool, null

    /// With its article, for messages: `an object`.
    package var description: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .integer: "an integer"
        case .real: "a number with a fraction"
        case .bool: "a boolean"
        case .null: "null"
        }
    }
}

/// One value of a parsed JSON text.
///
/// Copying it copies a reference; strings are copied only when asked for.
///
/// An accessor of another type than the value's answers `nil`; nothing traps.
package struct JSONValue: Sendable {
    fileprivate let document: JSONDocument
    fileprivate let index: Int

    fileprivate init(_ document: JSONDocument, _ index: Int) {
        self.document = document
        self.index = index
    }

    /// Parses one JSON text: any value, UTF-8, nothing after it.
    ///
    /// The bytes are not needed afterwards.
    ///
    /// Integers have 64 bits, other numbers are doubles, larger ones are refused. An object with the same member twice
    /// is refused. Strings may hold U+0000 (`JSONText.containsNull`), member names may not.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
    ) throws(JSONError) -> JSONValue {
        JSONValue(try JSONDocument.parse(bytes, limits: limits), 0)
    }

    /// The same for an array of bytes.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        // `withUnsafeBytes` rethrows without a type.
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONError) in try parse(bytes, limits: limits) }
        }.get()
    }

    /// Calls `body` with a view of the value, which must not leave it.
    package func withView<Value, Failure: Error>(
        _ body: (JSONView) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        defer { withExtendedLifetime(document) {} }
        return try body(JSONView(document, index))
    }

    package var kind: JSONKind { withView(\.kind) }
    package var isNull: Bool { withView(\.isNull) }
    package var bool: Bool? { withView(\.bool) }

    /// An integer, or a real without a fraction: JSON does not tell `1` from `1.0`.
    package var int: Int64? { withView(\.int) }
    package var double: Double? { withView(\.double) }

    /// A copy of the string.
    package var string: String? { withView(\.string) }

    /// The string without a copy; it keeps the whole document alive.
    package var text: JSONText? { withView(\.text) }

    /// Calls `body` with the UTF-8 bytes of the string.
    package func withStringBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value? {
        try withView { (view) throws(Failure) in try view.stringBytes.map(body) }
    }

    /// The member of an object; `nil` also when this is no object.
    package subscript(name: StaticString) -> JSONValue? {
        member(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The member of an object; `nil` also when this is no object.
    package subscript(name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { member(UnsafeRawBufferPointer($0)) }
    }

    private func member(_ name: UnsafeRawBufferPointer) -> JSONValue? {
        withView { view in
            guard let members = view.members else { return nil }
            for (word, value) in members where word.bytes.elementsEqual(name) {
                return JSONValue(document, value.index)
            }
            return nil
        }
    }

    /// The elements of an array.
    package var array: JSONArray? {
        kind == .array ? JSONArray(value: self, count: document.nodes[index].count) : nil
    }

    /// The members of an object, in the order of the text.
    package var members: JSONMembers? {
        kind == .object ? JSONMembers(value: self, underestimatedCount: document.nodes[index].count) : nil
    }

    fileprivate var end: Int { Int(document.nodes[index].next) }
}

/// The elements of a JSON array.
package struct JSONArray: Sequence, Sendable {
    fileprivate let value: JSONValue
    package let count: Int

    package var isEmpty: Bool { count == 0 }
    package var underestimatedCount: Int { count }

    /// The element at a position, which must be below `count`; it walks along those before it.
    package subscript(position: Int) -> JSONValue {
        for (index, element) in enumerated() where index == position { return element }
        preconditionFailure("Index is out of range.")
    }

    package func makeIterator() -> Iterator { Iterator(array: value, index: value.index + 1) }

    /// Walks along the elements.
    package struct Iterator: IteratorProtocol {
        fileprivate let array: JSONValue
        fileprivate var index: Int

        package mutating func next() -> JSONValue? {
            guard index < array.end else { return nil }
            let element = JSONValue(array.document, index)
            index = element.end
            return element
        }
    }
}

/// The members of a JSON object, in the order of the text.
package struct JSONMembers: Sequence, Sendable {
    fileprivate let value: JSONValue
    package let underestimatedCount: Int

    package func makeIterator() -> Iterator { Iterator(object: value, index: value.index + 1) }

    /// Walks along the members.
    package struct Iterator: IteratorProtocol {
        fileprivate let object: JSONValue
        fileprivate var index: Int

        package mutating func next() -> (name: JSONText, value: JSONValue)? {
            guard index < object.end else { return nil }
            let name = JSONText(object.document, index)
            let member = JSONValue(object.document, index + 1)
            index = member.end
            return (name, member)
        }
    }
}

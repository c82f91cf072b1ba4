// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CJansson

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
///
/// `@unchecked`: see `JSONDocument`; the pointer lives as long as the document.
package struct JSONValue: @unchecked Sendable {
    private let document: JSONDocument
    private let node: UnsafeMutablePointer<json_t>

    private init(_ node: UnsafeMutablePointer<json_t>, of document: JSONDocument) {
        self.node = node
        self.document = document
    }

    /// Parses one JSON text: any value, UTF-8, nothing behind it.
    ///
    /// The bytes are not needed afterwards.
    ///
    /// Integers have 64 bits, other numbers are doubles, larger ones are refused. An object with the same member twice is
    /// refused. Strings may hold U+0000 (`JSONText.containsNull`), member names may not.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
    ) throws(JSONError) -> JSONValue {
        let document = try JSONDocument(parsing: bytes, limits: limits)
        return JSONValue(document.root, of: document)
    }

    /// The same for an array of bytes.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        // `withUnsafeBytes` rethrows without a type.
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONError) in try parse(bytes, limits: limits) }
        }.get()
    }

    /// What it is.
    package var kind: JSONKind {
        switch node.pointee.type {
        case JSON_OBJECT: .object
        case JSON_ARRAY: .array
        case JSON_STRING: .string
        case JSON_INTEGER: .integer
        case JSON_REAL: .real
        case JSON_TRUE, JSON_FALSE: .bool
        default: .null
        }
    }

    package var isNull: Bool { node.pointee.type == JSON_NULL }

    package var bool: Bool? {
        switch node.pointee.type {
        case JSON_TRUE: true
        case JSON_FALSE: false
        default: nil
        }
    }

    /// An integer, or a real without a fraction: JSON does not tell `1` from `1.0`.
    package var int: Int64? {
        switch node.pointee.type {
        case JSON_INTEGER: Int64(json_integer_value(node))
        case JSON_REAL: Int64(exactly: json_real_value(node))
        default: nil
        }
    }

    package var double: Double? {
        switch node.pointee.type {
        case JSON_INTEGER: Double(json_integer_value(node))
        case JSON_REAL: json_real_value(node)
        default: nil
        }
    }

    /// A copy of the string.
    package var string: String? {
        withStringBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The string without a copy; it keeps the whole document alive.
    package var text: JSONText? {
        guard node.pointee.type == JSON_STRING, let start = json_string_value(node) else { return nil }
        return JSONText(document: document, start: start, count: json_string_length(node))
    }

    /// Calls `body` with the UTF-8 bytes of the string.
    package func withStringBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value? {
        guard node.pointee.type == JSON_STRING, let start = json_string_value(node) else { return nil }
        defer { withExtendedLifetime(document) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: json_string_length(node)))
    }

    /// The member of an object; `nil` also when this is no object.
    package subscript(name: StaticString) -> JSONValue? {
        member(UnsafeRawPointer(name.utf8Start), name.utf8CodeUnitCount)
    }

    /// The member of an object; `nil` also when this is no object.
    package subscript(name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { member($0.baseAddress.map(UnsafeRawPointer.init), $0.count) }
    }

    private func member(_ name: UnsafeRawPointer?, _ count: Int) -> JSONValue? {
        // An empty Swift string may have no address; the library wants one.
        var none: CChar = 0
        let found =
            if let name {
                json_object_getn(node, name.assumingMemoryBound(to: CChar.self), count)
            } else {
                json_object_getn(node, &none, 0)
            }
        return found.map { JSONValue($0, of: document) }
    }

    /// The elements of an array.
    package var array: JSONArray? {
        node.pointee.type == JSON_ARRAY ? JSONArray(value: self) : nil
    }

    /// The members of an object, in the order of the text.
    package var members: JSONMembers? {
        node.pointee.type == JSON_OBJECT ? JSONMembers(value: self) : nil
    }

    fileprivate var elementCount: Int { json_array_size(node) }

    fileprivate func element(at index: Int) -> JSONValue? {
        json_array_get(node, index).map { JSONValue($0, of: document) }
    }

    fileprivate var memberCount: Int { json_object_size(node) }

    fileprivate var firstMember: UnsafeMutableRawPointer? { json_object_iter(node) }

    fileprivate func member(after position: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        json_object_iter_next(node, position)
    }

    fileprivate func member(at position: UnsafeMutableRawPointer) -> (JSONText, JSONValue)? {
        guard let name = json_object_iter_key(position), let value = json_object_iter_value(position) else {
            return nil
        }
        let text = JSONText(document: document, start: name, count: json_object_iter_key_len(position))
        return (text, JSONValue(value, of: document))
    }

    fileprivate func word(at position: UnsafeMutableRawPointer) -> (JSONWord, JSONValue)? {
        guard let name = json_object_iter_key(position), let value = json_object_iter_value(position) else {
            return nil
        }
        let bytes = UnsafeRawBufferPointer(start: name, count: json_object_iter_key_len(position))
        return (JSONWord(bytes: bytes), JSONValue(value, of: document))
    }
}

/// The elements of a JSON array.
package struct JSONArray: RandomAccessCollection, Sendable {
    fileprivate let value: JSONValue

    package var startIndex: Int { 0 }
    package var endIndex: Int { value.elementCount }

    package subscript(position: Int) -> JSONValue {
        guard let element = value.element(at: position) else { preconditionFailure("Index is out of range.") }
        return element
    }
}

/// The members of a JSON object, in the order of the text.
package struct JSONMembers: Sequence, Sendable {
    fileprivate let value: JSONValue

    package var underestimatedCount: Int { value.memberCount }

    /// The same with names that can only be compared, for where a `switch` is all that is done with them.
    package var words: JSONWords { JSONWords(value: value) }

    package func makeIterator() -> Iterator { Iterator(value: value, position: value.firstMember) }

    /// Walks along the members.
    package struct Iterator: IteratorProtocol {
        fileprivate let value: JSONValue
        fileprivate var position: UnsafeMutableRawPointer?

        package mutating func next() -> (name: JSONText, value: JSONValue)? {
            guard let here = position, let member = value.member(at: here) else { return nil }
            position = value.member(after: here)
            return member
        }
    }
}

/// The name of a member, as long as the value beside it lives: no references are counted while it is compared.
package struct JSONWord {
    fileprivate let bytes: UnsafeRawBufferPointer

    /// Whether the name is a word, for `switch`: lengths first, then the bytes.
    package static func ~= (word: StaticString, name: JSONWord) -> Bool {
        guard name.bytes.count == word.utf8CodeUnitCount else { return false }
        return name.bytes.elementsEqual(UnsafeRawBufferPointer(start: word.utf8Start, count: name.bytes.count))
    }
}

/// The members of a JSON object with names that can only be compared, in the order of the text.
package struct JSONWords: Sequence, Sendable {
    fileprivate let value: JSONValue

    package func makeIterator() -> Iterator { Iterator(value: value, position: value.firstMember) }

    /// Walks along the members.
    package struct Iterator: IteratorProtocol {
        fileprivate let value: JSONValue
        fileprivate var position: UnsafeMutableRawPointer?

        package mutating func next() -> (name: JSONWord, value: JSONValue)? {
            guard let here = position, let member = value.word(at: here) else { return nil }
            position = value.member(after: here)
            return member
        }
    }
}

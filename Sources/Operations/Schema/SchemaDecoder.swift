// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

extension JSONSchema {
    /// The schema of a type, from what its `init(from:)` asks a decoder for.
    ///
    /// - Throws: What the initializer throws when it does not take an empty text, a zero or a first word.
    package init<Value: Decodable>(of type: Value.Type) throws {
        (self, _) = try Self.recording(type, depth: 0)
    }

    /// Deeper than any of our types: one that contains itself has no end.
    private static let maximumDepth = 16

    /// Decodes a value from dummies, and notes what was asked for.
    fileprivate static func recording<Value: Decodable>(
        _ type: Value.Type, depth: Int
    ) throws -> (schema: JSONSchema, value: Value) {
        guard depth < maximumDepth else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "\(type) contains itself."))
        }
        if type == SecretText.self, let dummy = SecretText("") as? Value { return (.secret, dummy) }
        if let choices = type as? any (RawRepresentable & CaseIterable).Type, let first = firstCase(choices) as? Value {
            return (.words(allWords(choices)), first)
        }
        if let primitive = type as? any Primitive.Type, let dummy = primitive.dummy as? Value {
            return (primitive.schema, dummy)
        }
        if let collection = type as? any CollectionSchema.Type, let dummy = collection.empty as? Value {
            return (try collection.schema(depth: depth + 1), dummy)
        }
        let record = SchemaRecord(typeName: name(of: type), depth: depth)
        let value = try Value(from: SchemaDecoder(record: record))
        return (record.schema, value)
    }

    private static func firstCase<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> Any? {
        Choice.allCases.first
    }

    private static func allWords<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> [String] {
        Choice.allCases.compactMap { $0.rawValue as? String }
    }

    /// `ShowUserReport` of `Operations.ShowUser.Report`, `ListPageOfUserReport` of `ListPage<UserReport>`.
    private static func name(of type: Any.Type) -> String {
        String(reflecting: type).split(separator: "<").map { part in
            part.split { ".>, ".contains($0) }.filter { $0 != "Operations" && $0 != "Swift" }.joined()
        }.joined(separator: "Of")
    }
}

/// A collection, which asks for as many elements as a text has.
private protocol CollectionSchema {
    static var empty: Self { get }
    static func schema(depth: Int) throws -> JSONSchema
}

extension Array: CollectionSchema where Element: Decodable {
    fileprivate static var empty: Self { [] }

    fileprivate static func schema(depth: Int) throws -> JSONSchema {
        .array(try JSONSchema.recording(Element.self, depth: depth).schema)
    }
}

extension Dictionary: CollectionSchema where Value: Decodable {
    fileprivate static var empty: Self { [:] }

    fileprivate static func schema(depth: Int) throws -> JSONSchema {
        let names = (Key.self as? any CaseIterable.Type).map { words($0) }
        return .map(try JSONSchema.recording(Value.self, depth: depth).schema, names: names)
    }

    private static func words<Choice: CaseIterable>(_: Choice.Type) -> [String] {
        Choice.allCases.compactMap { ($0 as? any CodingKeyRepresentable)?.codingKey.stringValue }
    }
}

/// What was asked for so far.
private final class SchemaRecord {
    let typeName: String
    let depth: Int
    var properties: [JSONSchema.Property] = []
    var single: JSONSchema?
    var isKeyed = false
    var isNullable = false
    /// The member that the initializer has asked about whether it is there.
    var optionalName: String?

    init(typeName: String, depth: Int) {
        self.typeName = typeName
        self.depth = depth
    }

    var schema: JSONSchema {
        let schema = isKeyed ? .object(type: typeName, properties) : single ?? .object(type: typeName, [])
        return isNullable ? .nullable(schema) : schema
    }

    func add(_ name: String, _ schema: JSONSchema) {
        let isOptional = optionalName == name
        optionalName = nil
        var isRequired = !isOptional
        // A member that is written as null is always written.
        if case .nullable = schema { isRequired = true }
        properties.append(JSONSchema.Property(name: name, schema: schema, isRequired: isRequired))
    }
}

private struct SchemaDecoder: Decoder {
    static let unsupported = DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "Only synthesized conformances have a schema."))

    let record: SchemaRecord
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        record.isKeyed = true
        return KeyedDecodingContainer(Keyed<Key>(record: record))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Self.unsupported }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(record: record) }
}

/// The dummies of the types that every container has a method for.
private protocol Primitive: Decodable {
    static var dummy: Self { get }
    static var schema: JSONSchema { get }
}

extension Bool: Primitive {
    fileprivate static var dummy: Bool { false }
    fileprivate static var schema: JSONSchema { .boolean }
}

extension String: Primitive {
    fileprivate static var dummy: String { "" }
    fileprivate static var schema: JSONSchema { .string }
}

extension Data: Primitive {
    fileprivate static var dummy: Data { Data() }
    /// In base64.
    fileprivate static var schema: JSONSchema { .string }
}

extension Double: Primitive {
    fileprivate static var dummy: Double { 0 }
    fileprivate static var schema: JSONSchema { .number }
}

extension Float: Primitive {
    fileprivate static var dummy: Float { 0 }
    fileprivate static var schema: JSONSchema { .number }
}

extension FixedWidthInteger where Self: Decodable {
    fileprivate static var dummy: Self { 0 }
    fileprivate static var schema: JSONSchema { .integer(Int64(clamping: min)...Int64(clamping: max)) }
}

extension Int: Primitive {}
extension Int8: Primitive {}
extension Int16: Primitive {}
extension Int32: Primitive {}
extension Int64: Primitive {}
extension UInt: Primitive {}
extension UInt8: Primitive {}
extension UInt16: Primitive {}
extension UInt32: Primitive {}
extension UInt64: Primitive {}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let record: SchemaRecord
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) throws -> Bool {
        record.optionalName = key.stringValue.snakeCase
        return false
    }

    private func note<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value {
        let (schema, value) = try JSONSchema.recording(type, depth: record.depth + 1)
        record.add(key.stringValue.snakeCase, schema)
        return value
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try note(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try note(type, key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try note(type, key) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try note(type, key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try note(type, key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try note(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try note(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try note(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try note(type, key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try note(type, key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try note(type, key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try note(type, key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try note(type, key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try note(type, key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try note(type, key) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> { throw SchemaDecoder.unsupported }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw SchemaDecoder.unsupported
    }

    func superDecoder() throws -> any Decoder { throw SchemaDecoder.unsupported }

    func superDecoder(forKey key: Key) throws -> any Decoder { throw SchemaDecoder.unsupported }
}

private struct Single: SingleValueDecodingContainer {
    let record: SchemaRecord
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool {
        record.isNullable = true
        return false
    }

    private func note<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (schema, value) = try JSONSchema.recording(type, depth: record.depth + 1)
        record.single = schema
        return value
    }

    func decode(_ type: Bool.Type) throws -> Bool { try note(type) }
    func decode(_ type: String.Type) throws -> String { try note(type) }
    func decode(_ type: Double.Type) throws -> Double { try note(type) }
    func decode(_ type: Float.Type) throws -> Float { try note(type) }
    func decode(_ type: Int.Type) throws -> Int { try note(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try note(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try note(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try note(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try note(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try note(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try note(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try note(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try note(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try note(type) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try note(type) }
}

extension String {
    /// A name in snake case, as `JSONEncoder.forOperations()` writes it.
    fileprivate var snakeCase: String {
        var words = ""
        for character in self {
            if character.isUppercase, !words.isEmpty { words += "_" }
            words += character.lowercased()
        }
        return words
    }
}

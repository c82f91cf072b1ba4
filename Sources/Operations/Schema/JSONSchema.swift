// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON

/// What JSON of a `Codable` type looks like, as far as its synthesized conformance says.
package indirect enum JSONSchema: Sendable, Equatable {
    /// One member of an object.
    package struct Property: Sendable, Equatable {
        /// In snake case, as it travels.
        package var name: String
        package var schema: JSONSchema
        /// Whether it is always there.
        package var isRequired: Bool

        package init(name: String, schema: JSONSchema, isRequired: Bool) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
        }
    }

    case string
    /// A password or token.
    case secret
    /// One of some words.
    case words([String])
    case integer(ClosedRange<Int64>)
    case number
    case boolean
    /// Members with names of their own; `type` is what the type is called in a description.
    case object(type: String, [Property])
    /// Members with any names, or with some of those that are given.
    case map(JSONSchema, names: [String]?)
    case array(JSONSchema)
    /// Also `null`.
    case nullable(JSONSchema)

    /// The members of an object.
    package var properties: [Property] {
        if case .object(_, let properties) = self { properties } else { [] }
    }

    /// Where a value does not fit, and what it should be.
    package struct Mismatch: Error, Equatable, Sendable {
        /// The member, such as `changes.write`; empty for the value itself.
        package var member: String
        /// A sentence.
        package var message: String

        package init(member: String, message: String) {
            self.member = member
            self.message = message
        }
    }

    /// Refuses a value that does not fit; members that no property names are refused.
    package func check(_ value: JSONValue, at member: String = "") throws(Mismatch) {
        switch self {
        case .string, .secret:
            guard value.kind == .string else { throw mismatch(value, member) }
        case .words(let words):
            guard let word = value.string, words.contains(where: { $0.utf8.elementsEqual(word.utf8) }) else {
                throw mismatch(value, member)
            }
        case .integer(let range):
            guard let number = value.int, range.contains(number) else { throw mismatch(value, member) }
        case .number:
            guard value.double != nil || value.int != nil else { throw mismatch(value, member) }
        case .boolean:
            guard value.kind == .bool else { throw mismatch(value, member) }
        case .object(_, let properties): try check(value, properties, at: member)
        case .map(let schema, let names): try check(value, schema, names: names, at: member)
        case .array(let schema):
            guard let elements = value.array else { throw mismatch(value, member) }
            for (index, element) in elements.enumerated() { try schema.check(element, at: "\(member)[\(index)]") }
        case .nullable(let schema):
            if !value.isNull { try schema.check(value, at: member) }
        }
    }

    private func check(_ value: JSONValue, _ properties: [Property], at member: String) throws(Mismatch) {
        guard let members = value.members else { throw mismatch(value, member) }
        for (name, value) in members {
            let place = Self.place(name, in: member)
            guard let property = properties.first(where: { name == JSONText($0.name) }) else {
                throw Mismatch(member: place, message: "There is no member '\(place)'.")
            }
            try property.schema.check(value, at: place)
        }
        for property in properties where property.isRequired && value[property.name] == nil {
            let place = Self.place(JSONText(property.name), in: member)
            throw Mismatch(member: place, message: "The member '\(place)' is missing.")
        }
    }

    private func check(
        _ value: JSONValue, _ schema: JSONSchema, names: [String]?, at member: String
    ) throws(Mismatch) {
        guard let members = value.members else { throw mismatch(value, member) }
        for (name, value) in members {
            let place = Self.place(name, in: member)
            if let names, !names.contains(where: { name == JSONText($0) }) {
                throw Mismatch(
                    member: place, message: "There is no member '\(place)', only \(names.joined(separator: ", ")).")
            }
            try schema.check(value, at: place)
        }
    }

    /// The longest name that an answer repeats.
    private static let shownNameBytes = 64

    private static func place(_ name: JSONText, in member: String) -> String {
        let shown = name.utf8Count <= shownNameBytes ? name.string : "…"
        return member.isEmpty ? shown : "\(member).\(shown)"
    }

    private func mismatch(_ value: JSONValue, _ member: String) -> Mismatch {
        let subject = member.isEmpty ? "The value" : "The member '\(member)'"
        var found = "not \(value.kind.description)"
        if case .words = self, value.kind == .string { found = "not this one" }
        if case .integer = self, value.kind == .integer { found = "not this one" }
        return Mismatch(member: member, message: "\(subject) is \(described), \(found).")
    }

    /// With its article, for messages: `an integer from 0 to 10`.
    package var described: String {
        switch self {
        case .string, .secret: "a string"
        case .words(let words): "one of \(words.joined(separator: ", "))"
        case .integer(let range):
            range == Int64.min...Int64.max
                ? "an integer" : "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .boolean: "a boolean"
        case .object, .map: "an object"
        case .array: "an array"
        case .nullable(let schema): schema.described
        }
    }
}

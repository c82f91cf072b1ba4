// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Operations
import Web

extension AdminEndpoint {
    /// The parameter of the query that repeats what is to be destroyed.
    static let confirmation = "confirm"

    /// Reads the parameters of a request; the first one that does not fit is named.
    ///
    /// - Parameters:
    ///   - path: The values of the path.
    ///   - query: The parameters of the query.
    ///   - body: The body; empty for none.
    /// - Returns: What the request gives.
    /// - Throws: `Problem` with status 400 or 422.
    func read(
        path: [String: String], query: [(name: String, value: String)], body: [UInt8]
    ) throws(Problem) -> [(Parameter, JSONTree)] {
        var given: [(Parameter, JSONTree)] = []
        for parameter in parameters where parameter.place == .path {
            guard let text = path[parameter.name] else { continue }
            given.append((parameter, try Self.value(of: text, parameter)))
        }
        given += try read(query)
        if method.hasBody { given += try read(body: body) }
        let names = Set(given.map(\.0.name))
        for parameter in parameters where parameter.isRequired && !names.contains(parameter.name) {
            throw Problem(
                JSONSchema.Mismatch(
                    member: parameter.name, message: "The parameter '\(parameter.name)' is missing."))
        }
        return given
    }

    private func read(_ query: [(name: String, value: String)]) throws(Problem) -> [(Parameter, JSONTree)] {
        var given: [(Parameter, JSONTree)] = []
        var seen: Set<String> = []
        for (name, text) in query {
            guard seen.insert(name).inserted else {
                throw Problem(
                    JSONSchema.Mismatch(member: name, message: "The parameter '\(name)' is given twice."))
            }
            if operation.isDestructive, name == Self.confirmation { continue }
            guard let parameter = parameters.first(where: { $0.place == .query && $0.name == name }) else {
                throw Problem(JSONSchema.Mismatch(member: name, message: "There is no parameter '\(name)'."))
            }
            given.append((parameter, try Self.value(of: text, parameter)))
        }
        return given
    }

    private func read(body: [UInt8]) throws(Problem) -> [(Parameter, JSONTree)] {
        guard !body.isEmpty else { return [] }
        guard RequestCheck.accepts(body), let value = try? JSONValue.parse(body), let members = value.members else {
            throw Problem.malformed
        }
        let expected = parameters.filter { $0.place == .body }
        let schema = JSONSchema.object(
            type: "", expected.map { JSONSchema.Property(name: $0.name, schema: $0.schema, isRequired: $0.isRequired) })
        do {
            try schema.check(value)
        } catch {
            throw Problem(error)
        }
        var given: [(Parameter, JSONTree)] = []
        for (name, value) in members {
            guard let parameter = expected.first(where: { name == JSONText($0.name) }) else { continue }
            given.append((parameter, JSONTree(value)))
        }
        return given
    }

    /// The value that a text of an address stands for.
    private static func value(of text: String, _ parameter: Parameter) throws(Problem) -> JSONTree {
        switch parameter.schema {
        case .integer(let range):
            // Short ASCII first: no text makes the reading slow.
            if text.utf8.count <= 20, let number = Int64(text), range.contains(number) { return .integer(number) }
        case .boolean:
            if text == "true" { return true }
            if text == "false" { return false }
        case .words(let words):
            if let word = words.first(where: { $0.utf8.elementsEqual(text.utf8) }) { return .string(word) }
        case .string: return .string(text)
        case .secret, .number, .object, .map, .array, .nullable: break
        }
        throw Problem(
            JSONSchema.Mismatch(
                member: parameter.name, message: "The parameter '\(parameter.name)' is \(parameter.schema.described)."))
    }

    /// Refuses to destroy anything whose name the request does not repeat.
    func checkConfirmation(_ query: [(name: String, value: String)], parts: [String]) throws(Problem) {
        guard operation.isDestructive, let name = parts.last else { return }
        let given = query.first { $0.name == Self.confirmation }?.value
        guard given.map({ $0.utf8.elementsEqual(name.utf8) }) != true else { return }
        throw Problem(
            422, "not_confirmed", "Confirmation is missing", "This cannot be undone and was not confirmed.",
            nextStep: "Repeat the last part of the path: \(Self.confirmation)=\(AddressText.encoded(name)).",
            member: Self.confirmation)
    }
}

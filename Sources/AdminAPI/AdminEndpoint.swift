// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import Operations

/// An operation as HTTP names it: a method, a path, and where its parameters stand.
struct AdminEndpoint: Sendable {
    enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"

        /// Whether parameters that are not in the path stand in a body; otherwise they stand in the query.
        var hasBody: Bool { self != .get && self != .delete }
    }

    /// A part of a path between two slashes.
    enum Segment: Sendable, Equatable {
        case word(String)
        /// The value of the parameter of this name.
        case parameter(String)
    }

    enum Place: Sendable { case path, query, body }

    struct Parameter: Sendable {
        var name: String
        /// The parameter of the operation that it is a member of, such as `range` of `limit`.
        var container: String?
        var schema: JSONSchema
        var place: Place
        var isRequired: Bool
        /// What holds without it.
        var standard: JSONTree?
    }

    typealias Run =
        @Sendable (_ parameters: JSONTree, _ context: OperationContext) async throws(OperationError) -> [UInt8]

    let method: Method
    /// Below `/admin/api/v1`, such as `/users/{login}`.
    let path: String
    let segments: [Segment]
    let operation: any AdminOperation.Type
    /// What the description calls it: the operation's name, or one of its own when an operation stands at two places.
    let id: String
    let parameters: [Parameter]
    let report: JSONSchema
    /// The member of the report that names what was made, for `Location`.
    let location: String?
    /// The parameter that says who asks.
    let principalName: String?
    /// What holds of the operation's parameters unless a request says otherwise.
    let standard: [String: JSONTree]
    let run: Run

    /// An endpoint of an operation.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: Below `/admin/api/v1`; names in braces are parameters of the operation.
    ///   - template: What the parameters are that a request does not give.
    ///   - requires: Parameters that a request must give, beside those of the path.
    ///   - hides: Parameters that a request cannot give.
    ///   - principal: The parameter that says who asks.
    ///   - location: The member of the report that names what was made; then the answer is 201.
    ///   - id: What the description calls it.
    /// - Throws: When the operation has no schema.
    init<Operation: AdminOperation>(
        _ method: Method, _ path: String, _ template: Operation, requires: [String] = [], hides: [String] = [],
        principal: String? = nil, location: String? = nil, id: String? = nil
    ) throws {
        let bytes = try Array(JSONEncoder.forOperations().encode(template))
        guard case .object(let standard) = JSONTree(try JSONValue.parse(bytes)) else {
            throw OperationError(.failed, "The parameters of '\(Operation.name)' are no object.")
        }
        let segments = path.split(separator: "/").map { part -> Segment in
            part.first == "{" ? .parameter(String(part.dropFirst().dropLast())) : .word(String(part))
        }
        let hidden = hides + [principal].compactMap(\.self)
        self.method = method
        self.path = path
        self.segments = segments
        operation = Operation.self
        self.id = id ?? Operation.name
        report = try JSONSchema(of: Operation.Report.self)
        self.location = location
        principalName = principal
        self.standard = standard
        parameters = try JSONSchema(of: Operation.self).properties.filter { !hidden.contains($0.name) }.flatMap {
            Self.parameters($0, method: method, segments: segments, requires: requires, standard: standard)
        }
        run = { (parameters, context) async throws(OperationError) -> [UInt8] in
            let operation: Operation
            do {
                operation = try JSONDecoder.forOperations.decode(Operation.self, from: JSONEncoder().encode(parameters))
            } catch {
                throw OperationError(.invalid, "The parameters do not fit the operation '\(Operation.name)'.")
            }
            let report = try await operation.perform(on: context)
            do {
                return try Array(JSONEncoder.forOperations([.withoutEscapingSlashes]).encode(report))
            } catch {
                throw OperationError(.failed, "The result cannot be written as JSON.")
            }
        }
    }

    private static func parameters(
        _ property: JSONSchema.Property, method: Method, segments: [Segment], requires: [String],
        standard: [String: JSONTree]
    ) -> [Parameter] {
        if segments.contains(.parameter(property.name)) {
            return [Parameter(name: property.name, schema: property.schema, place: .path, isRequired: true)]
        }
        guard !method.hasBody else {
            return [parameter(property, .body, requires, standard[property.name])]
        }
        // A query is flat: the members of an object stand in it themselves.
        guard case .object(_, let members) = property.schema else {
            return [parameter(property, .query, requires, standard[property.name])]
        }
        return members.map { member in
            var found = parameter(member, .query, requires, standard[property.name]?[member.name])
            found.container = property.name
            return found
        }
    }

    private static func parameter(
        _ property: JSONSchema.Property, _ place: Place, _ requires: [String], _ standard: JSONTree?
    ) -> Parameter {
        let isRequired = requires.contains(property.name)
        return Parameter(
            name: property.name, schema: property.schema, place: place, isRequired: isRequired,
            standard: isRequired ? nil : standard)
    }

    /// Whether an answer is a page of a list that may go on.
    var isPaged: Bool {
        method == .get && parameters.contains { $0.name == "after" && $0.place == .query }
            && report.properties.contains { $0.name == "next" }
    }

    /// The status of success.
    var status: Int { operation.isLong ? 202 : location == nil ? 200 : 201 }

    /// The operation's parameters, with what a request gave in place of what holds otherwise.
    func parameters(with given: [(Parameter, JSONTree)], principal: String) -> JSONTree {
        var members = standard
        for (parameter, value) in given {
            guard let container = parameter.container else {
                members[parameter.name] = value
                continue
            }
            guard case .object(var inner) = members[container] ?? [:] else { continue }
            inner[parameter.name] = value
            members[container] = .object(inner)
        }
        if let principalName { members[principalName] = .string(principal) }
        return .object(members)
    }

    /// The values of the parameters in a path that this is an endpoint of; `nil` for other paths.
    func values(in parts: [String]) -> [String: String]? {
        guard parts.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (part, segment) in zip(parts, segments) {
            switch segment {
            case .word(let word): guard part.utf8.elementsEqual(word.utf8) else { return nil }
            case .parameter(let name): values[name] = part
            }
        }
        return values
    }
}

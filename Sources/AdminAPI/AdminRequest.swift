// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
package import Operations
import Web

/// An operation as a request to another server's API, made from the table that the API answers by.
package struct AdminRequest: Sendable {
    package let method: String
    /// Path and query, from the root of the server.
    package let target: String
    /// JSON; `nil` when the method has no body.
    package let body: [UInt8]?
    /// Whether the answer is a job.
    package let isLong: Bool

    private static let endpoints = Result { try AdminEndpoint.all() }

    /// The request that runs an operation.
    ///
    /// - Throws: `.refused` for an operation that is not served.
    package init<Operation: AdminOperation>(_ operation: Operation) throws(OperationError) {
        let found: AdminRequest?
        do {
            let encoded = try Array(JSONEncoder.forOperations().encode(operation))
            // What a command sends itself: as large as a picture may be.
            let tree = JSONTree(try JSONValue.parse(encoded, limits: JSONLimits(depth: 32, values: 1 << 20)))
            guard case .object(let members) = tree else { throw OperationError.unservable(Operation.name, nil) }
            found = try Self.endpoints.get().lazy.filter { $0.operation == Operation.self }
                .compactMap { try? AdminRequest($0, members) }.first
        } catch {
            throw error as? OperationError ?? .unservable(Operation.name, nil)
        }
        guard let found else {
            let reason = AdminEndpoint.unserved.first { $0.operation == Operation.name }?.reason
            throw .unservable(Operation.name, reason)
        }
        self = found
    }

    /// The job of an ID; `DELETE` asks it to end.
    package init(job id: String, cancels: Bool = false) {
        method = cancels ? "DELETE" : "GET"
        target = "\(CallTarget.root)/jobs/\(AddressText.encoded(id))"
        body = nil
        isLong = false
    }

    private struct DoesNotFit: Error {}

    private init(_ endpoint: AdminEndpoint, _ members: [String: JSONTree]) throws {
        try Self.checkIsWhole(endpoint, members)
        let parts = try endpoint.segments.map { segment in
            switch segment {
            case .word(let word): return word
            case .parameter(let name):
                guard let text = members[name]?.asText else { throw DoesNotFit() }
                return text
            }
        }
        var query: [(name: String, value: String)] = []
        var content: [String: JSONTree] = [:]
        for parameter in endpoint.parameters where parameter.place != .path {
            let holder = parameter.container.map { members[$0] ?? .null } ?? .object(members)
            guard let value = holder[parameter.name], value != .null else { continue }
            guard parameter.place == .query else {
                content[parameter.name] = value
                continue
            }
            guard let text = value.asText else { throw DoesNotFit() }
            query.append((parameter.name, text))
        }
        if endpoint.operation.isDestructive, let name = parts.last {
            query.append((AdminEndpoint.confirmation, name))
        }
        let path = CallTarget.root + parts.map { "/" + AddressText.encoded($0) }.joined()
        let pairs = query.map { "\(AddressText.encoded($0.name))=\(AddressText.encoded($0.value))" }
        method = endpoint.method.rawValue
        target = pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
        body = endpoint.method.hasBody ? try Array(JSONEncoder().encode(JSONTree.object(content))) : nil
        isLong = endpoint.operation.isLong
    }

    /// Refuses an endpoint that cannot be given a parameter whose value is not the one that holds there.
    private static func checkIsWhole(_ endpoint: AdminEndpoint, _ members: [String: JSONTree]) throws {
        let given = Set(endpoint.parameters.map { $0.container ?? $0.name })
        for (name, value) in members where !given.contains(name) && name != endpoint.principalName {
            guard value == .null || value == endpoint.standard[name] else { throw DoesNotFit() }
        }
    }
}

extension JSONTree {
    /// The value as a part of an address.
    fileprivate var asText: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .bool(let value): value ? "true" : "false"
        case .object, .array, .real, .null: nil
        }
    }
}

extension OperationError {
    fileprivate static func unservable(_ name: String, _ reason: String?) -> OperationError {
        OperationError(
            .refused, "The API does not serve '\(name)'\(reason.map { ": \($0)" } ?? " with these parameters.")",
            nextStep: "Run the command on the server's machine.")
    }
}

/// Why a server's API refused a request.
package struct AdminRefusal: Error, Sendable {
    /// For branching: the kind of an `OperationError`, or one of HTTP's own such as `unauthorized`.
    package let kind: String
    package let message: String
    package let nextStep: String?

    /// Reads a problem of RFC 9457 that the API wrote; `nil` for any other body.
    package init?(_ body: [UInt8]) {
        guard body.count <= Self.maximumBytes,
            let problem = try? JSONDecoder.forOperations.decode(Problem.Written.self, from: Data(body)),
            problem.type.utf8.starts(with: Problem.typePrefix.utf8)
        else { return nil }
        kind = String(problem.type.dropFirst(Problem.typePrefix.count))
        message = problem.detail
        nextStep = problem.nextStep
    }

    private static let maximumBytes = 64 << 10

    /// What the operation refused; `nil` when the request did not get so far.
    package var operationError: OperationError? {
        OperationError.Kind(rawValue: kind).map { OperationError($0, message, nextStep: nextStep) }
    }
}

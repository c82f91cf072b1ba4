// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Operations

/// The description of the API as OpenAPI 3.1 writes it, made from the table of endpoints.
package struct OpenAPIDocument {
    private var schemas: [String: JSONTree] = [:]

    private init() {}

    /// The description: one object, its members sorted, with a line break at its end.
    ///
    /// - Throws: When an operation has no schema.
    package static func bytes() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var document = OpenAPIDocument()
        return try Array(encoder.encode(document.tree(AdminEndpoint.all()))) + [UInt8(ascii: "\n")]
    }

    private mutating func tree(_ endpoints: [AdminEndpoint]) throws -> JSONTree {
        var paths: [String: JSONTree] = [:]
        for endpoint in endpoints {
            guard case .object(var methods) = paths[endpoint.path] ?? [:] else { continue }
            methods[endpoint.method.rawValue.lowercased()] = operation(endpoint)
            paths[endpoint.path] = .object(methods)
        }
        paths.merge(try jobPaths()) { $1 }
        let problem = schema(.object(type: "Problem", try JSONSchema(of: Problem.Written.self).properties))
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Parley", "version": "1",
                "description": .string(
                    "What administrators do with a Parley server. A token of 'manage token create' goes with each "
                        + "request."),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": .string(CallTarget.root)]],
            "security": [["token": []]],
            "tags": .array(Set(paths.keys.map(Self.tag)).sorted().map { ["name": .string($0)] }),
            "paths": .object(paths),
            "x-unserved": .array(Self.unserved),
            "components": [
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
                "schemas": .object(schemas),
                "responses": [
                    "Problem": [
                        "description": "Why the request failed: RFC 9457.",
                        "content": ["application/problem+json": ["schema": problem]],
                    ]
                ],
            ],
        ]
    }

    private static func tag(_ path: String) -> String { String(path.dropFirst().prefix { $0 != "/" }) }

    /// What administrators do elsewhere, each with the reason.
    private static var unserved: [JSONTree] {
        AdminEndpoint.unserved.map { name, reason in
            let scope = OperationRegistry.operation(named: name)?.access.rawValue ?? ""
            return ["operationId": .string(name), "description": .string(reason), "x-scope": .string(scope)]
        }
    }

    // MARK: Operations

    private mutating func operation(_ endpoint: AdminEndpoint) -> JSONTree {
        var parameters = endpoint.parameters.filter { $0.place != .body }.map { parameter($0) }
        if endpoint.operation.isDestructive {
            parameters.append([
                "name": .string(AdminEndpoint.confirmation), "in": "query", "required": true,
                "description": "The last part of the path again: what this destroys does not come back.",
                "schema": ["type": "string"],
            ])
        }
        var described: [String: JSONTree] = [
            "operationId": .string(endpoint.id),
            "summary": .string(endpoint.operation.summary),
            "tags": [.string(Self.tag(endpoint.path))],
            "parameters": .array(parameters),
            "responses": .object(responses(endpoint)),
            "x-scope": .string(endpoint.operation.access.rawValue),
        ]
        if endpoint.method.hasBody { described["requestBody"] = body(endpoint) }
        return .object(described)
    }

    private mutating func parameter(_ parameter: AdminEndpoint.Parameter) -> JSONTree {
        guard case .object(var schema) = schema(parameter.schema) else { return [:] }
        if parameter.place == .path { schema["minLength"] = parameter.schema == .string ? 1 : nil }
        if let standard = parameter.standard { schema["default"] = standard }
        return [
            "name": .string(parameter.name), "in": parameter.place == .path ? "path" : "query",
            "required": .bool(parameter.isRequired), "schema": .object(schema),
        ]
    }

    private mutating func body(_ endpoint: AdminEndpoint) -> JSONTree {
        let members = endpoint.parameters.filter { $0.place == .body }
        var properties: [String: JSONTree] = [:]
        for member in members {
            guard case .object(var described) = schema(member.schema) else { continue }
            if let standard = member.standard { described["default"] = standard }
            properties[member.name] = .object(described)
        }
        let required = members.filter(\.isRequired).map { JSONTree.string($0.name) }
        return [
            "required": .bool(!required.isEmpty),
            "content": [
                "application/json": [
                    "schema": [
                        "type": "object", "properties": .object(properties), "required": .array(required),
                        "additionalProperties": false,
                    ]
                ]
            ],
        ]
    }

    // MARK: Answers

    private mutating func responses(_ endpoint: AdminEndpoint) -> [String: JSONTree] {
        var statuses = [401, 403, 404, 406, 409, 422, 429, 500, 503]
        if endpoint.method.hasBody { statuses += [400, 413, 415] }
        var responses = Self.problems(statuses)
        guard !endpoint.operation.isLong else {
            responses["202"] = [
                "description": "The job that was started.", "headers": Self.header("Location", "Where the job is."),
                "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Job"]]],
            ]
            return responses
        }
        var success: [String: JSONTree] = [
            "description": "What was asked for.",
            "content": ["application/json": ["schema": schema(endpoint.report)]],
        ]
        if endpoint.location != nil {
            success["description"] = "What was made."
            success["headers"] = Self.header("Location", "Where it is.")
        }
        if endpoint.isPaged { success["headers"] = Self.header("Link", "The next page, if there is one: RFC 8288.") }
        responses["\(endpoint.status)"] = .object(success)
        return responses
    }

    private static func header(_ name: String, _ description: String) -> JSONTree {
        .object([name: ["description": .string(description), "schema": ["type": "string"]]])
    }

    private static func problems(_ statuses: [Int]) -> [String: JSONTree] {
        Dictionary(uniqueKeysWithValues: statuses.map { ("\($0)", ["$ref": "#/components/responses/Problem"]) })
    }

    private mutating func jobPaths() throws -> [String: JSONTree] {
        guard case .object(_, let properties) = try JSONSchema(of: JobReport.self),
            case .object(var job) = object(properties), case .object(var members)? = job["properties"]
        else { return [:] }
        members["result"] = ["description": "What the operation tells, when the job is done."]
        job["properties"] = .object(members)
        schemas["Job"] = .object(job)
        let reference: JSONTree = ["$ref": "#/components/schemas/Job"]
        let events: JSONTree = ["schema": ["type": "string"]]
        func described(
            _ id: String, _ summary: String, _ status: String, _ schema: JSONTree, scope: String, hasEvents: Bool,
            hasID: Bool
        ) -> JSONTree {
            var content: [String: JSONTree] = ["application/json": ["schema": schema]]
            if hasEvents { content["text/event-stream"] = events }
            var responses = Self.problems([401, 403, 404, 406, 409, 422, 429, 503])
            responses[status] = ["description": "What was asked for.", "content": .object(content)]
            let parameter: JSONTree = [
                "name": "id", "in": "path", "required": true, "schema": ["type": "string", "minLength": 1],
            ]
            return [
                "operationId": .string(id), "summary": .string(summary), "tags": ["jobs"],
                "parameters": hasID ? [parameter] : [], "responses": .object(responses), "x-scope": .string(scope),
            ]
        }
        let list: JSONTree = [
            "type": "object", "required": ["jobs"], "properties": ["jobs": ["type": "array", "items": reference]],
        ]
        return [
            "/jobs": [
                "get": described(
                    "job.list", "List the jobs of this server, newest first; as events each change of one.", "200",
                    list, scope: "read", hasEvents: true, hasID: false)
            ],
            "/jobs/{id}": [
                "get": described(
                    "job.show", "Show a job; as events each change until it has ended.", "200", reference,
                    scope: "read", hasEvents: true, hasID: true),
                "delete": described(
                    "job.cancel", "Ask a job to end; what it has done until then stays.", "202", reference,
                    scope: "write", hasEvents: false, hasID: true),
            ],
        ]
    }

    // MARK: Schemas

    private mutating func schema(_ schema: JSONSchema) -> JSONTree {
        switch schema {
        case .string: return ["type": "string"]
        case .secret: return ["type": "string", "format": "password"]
        case .words(let words): return ["type": "string", "enum": .array(words.map { .string($0) })]
        case .integer(let range):
            var described: [String: JSONTree] = ["type": "integer"]
            if range == Int64.min...Int64.max {
                described["format"] = "int64"
            } else {
                described["minimum"] = .integer(range.lowerBound)
                if range.upperBound < .max { described["maximum"] = .integer(range.upperBound) }
            }
            return .object(described)
        case .number: return ["type": "number"]
        case .boolean: return ["type": "boolean"]
        case .array(let element): return ["type": "array", "items": self.schema(element)]
        case .nullable(let value): return ["anyOf": [self.schema(value), ["type": "null"]]]
        case .map(let value, nil): return ["type": "object", "additionalProperties": self.schema(value)]
        case .map(let value, let names?):
            let described = self.schema(value)
            return [
                "type": "object", "additionalProperties": false,
                "properties": .object(Dictionary(uniqueKeysWithValues: names.map { ($0, described) })),
            ]
        case .object(let type, let properties):
            if schemas[type] == nil { schemas[type] = object(properties) }
            return ["$ref": "#/components/schemas/\(type)"]
        }
    }

    private mutating func object(_ properties: [JSONSchema.Property]) -> JSONTree {
        var described: [String: JSONTree] = [:]
        for property in properties { described[property.name] = schema(property.schema) }
        return [
            "type": "object", "properties": .object(described),
            "required": .array(properties.filter(\.isRequired).map { .string($0.name) }),
        ]
    }
}

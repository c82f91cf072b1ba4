// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON

/// A value of `--set`: `data.flow.0.title=News`, or `data.flow.0.users:=["1","2"]` for any JSON.
struct MemberAssignment: ExpressibleByArgument {
    /// How deep a path may go.
    static let maximumDepth = 16

    /// Members that are numbers in the protocol; every other plain value is a text.
    private static let numbers: Set<String> = [
        "time", "message_start", "message_end", "client_id", "edited_time", "token_ttl", "time_created",
    ]
    private static let booleans: Set<String> = ["is_bot", "edited_status", "push"]
    private static let secrets: Set<String> = ["password", "auth_id"]

    var path: [String]
    var value: JSONTree

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "=") else { return nil }
        var name = argument[..<equals]
        let text = String(argument[argument.index(after: equals)...])
        let isJSON = name.last == ":"
        if isJSON { name = name.dropLast() }
        path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.count <= Self.maximumDepth, path.allSatisfy({ !$0.isEmpty }), let last = path.last else {
            return nil
        }
        if isJSON {
            guard let parsed = try? JSONValue.parse(Array(text.utf8)) else { return nil }
            value = JSONTree(parsed)
        } else if Self.numbers.contains(last) {
            guard let number = Int64(text) else { return nil }
            value = .integer(number)
        } else if Self.booleans.contains(last) {
            guard let word = SwitchValue(argument: text) else { return nil }
            value = .bool(word.isOn)
        } else {
            value = .text(JSONText(text))
        }
    }

    /// Whether the value is one that must not stand on a command line.
    var isSecret: Bool { Self.mentionsSecret(value, below: path) }

    private static func mentionsSecret(_ value: JSONTree, below path: [String]) -> Bool {
        if let last = path.last, secrets.contains(last) { return true }
        switch value {
        case .object(let members): return members.contains { mentionsSecret($0.value, below: [$0.name]) }
        case .array(let elements): return elements.contains { mentionsSecret($0, below: []) }
        default: return false
        }
    }

    /// Whether a text of JSON has a member with a secret.
    static func mentionsSecret(_ value: JSONValue) -> Bool { mentionsSecret(JSONTree(value), below: []) }
}

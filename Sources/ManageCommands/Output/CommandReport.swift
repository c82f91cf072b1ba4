// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Operations

/// The result of a command.
///
/// It is written in one of two forms: as text for people, or with `--json` as one object.
protocol CommandReport: Encodable, Sendable {
    /// The version of the JSON form. It grows when a key changes its meaning or goes away.
    static var version: Int { get }

    /// The text for people; it ends with a line break unless it is empty. Values from outside must be escaped
    /// (`escapedForTerminal()`, `TableText`).
    func text(style: TextStyle) -> String
}

extension CommandReport {
    /// 1, until a report changes incompatibly.
    static var version: Int { 1 }

    /// The JSON form: one object with sorted keys and a `version`.
    func json() throws(CommandError) -> String {
        do {
            let content = Versioned(content: self, version: Self.version)
            return String(decoding: try content.indentedJSON(), as: UTF8.self) + "\n"
        } catch {
            throw CommandError(.failed, "The result cannot be written as JSON.")
        }
    }
}

extension Encodable {
    /// JSON for people as well: a line for each member, in the order of the keys.
    func indentedJSON() throws -> [UInt8] {
        let encoder = JSONEncoder.forOperations([.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return Array(try encoder.encode(self))
    }
}

/// An object with a `version` beside its own members.
struct Versioned<Content: Encodable>: Encodable {
    private enum CodingKeys: String, CodingKey { case version }

    var content: Content
    var version = 1

    func encode(to encoder: any Encoder) throws {
        try content.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
    }

    /// The object on one line.
    func line() throws -> String {
        let encoder = JSONEncoder.forOperations([.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

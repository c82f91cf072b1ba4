// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Database {
    /// `db status`: what the database says about itself.
    struct Status: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show engine, schema, durability and counts of the database.",
            discussion: """
                Works beside a running server and without one.

                Examples:
                  manage db status
                  manage db status --json
                """
        )

        @OptionGroup var common: OperationOptions

        func operation() -> DatabaseStatus { DatabaseStatus() }
    }
}

extension DatabaseStatus.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Engine", engine)
        fields.add("Location", location)
        fields.add("Size", "\(sizeBytes) bytes")
        fields.add("Durability", durability.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " "))
        fields.add("Schema", schema)
        fields.add("Applied", applied.isEmpty ? "-" : applied.joined(separator: ", "))
        fields.add("Pending", pending.isEmpty ? "-" : pending.joined(separator: ", "))
        if let counts {
            fields.add("Users", "\(counts.users)")
            fields.add("Flows", "\(counts.flows)")
            fields.add("Messages", "\(counts.messages)")
            fields.add("Head", "\(counts.head)")
        }
        let next =
            switch schema {
            case "empty": "Create the tables with 'manage db create'.\n"
            case "old": "Bring them up to date with 'manage db migrate'.\n"
            default: ""
            }
        return fields.text(style: style) + next
    }
}

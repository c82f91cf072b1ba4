// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage {
    /// `node`: the servers that share a database.
    struct Node: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "node",
            abstract: "List the servers that share the database, drain and resume them.",
            discussion: """
                Every server with the same PostgreSQL database is in the list, under the name
                that [CLUSTER] NODE gives it. The balancer sends clients to those that serve.

                Examples:
                  manage node list
                  manage node drain alpha
                  manage node resume alpha
                """,
            subcommands: [List.self, Drain.self, Resume.self]
        )
    }
}

extension Manage.Node {
    /// `node list`: all servers.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the servers, with their clients and the age of their heartbeats.",
            discussion: """
                A server says every few seconds that it lives. One that has not for 10
                seconds is silent: it is gone, or cut off from the database.

                Examples:
                  manage node list
                  manage node list --json
                """
        )

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            try output.write(try await OperationRunner(settings: loaded).run(ListNodes()))
        }
    }

    /// `node drain`: no new clients for a server.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Send no new clients to a server; those that it has stay.",
            discussion: """
                The balancer does not choose it, and its /readyz answers 503. It holds until
                'manage node resume', or until the server starts anew.

                Examples:
                  manage node drain alpha
                  manage node drain 17
                """
        )

        @Argument(help: "The server's name or number.")
        var node: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let node = try await OperationRunner(settings: loaded).run(DrainNode(node: node))
            try output.write(ChangedNodeReport(node: node))
        }
    }

    /// `node resume`: new clients for a server again.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Send new clients to a server again.",
            discussion: """
                Examples:
                  manage node resume alpha
                  manage node resume 17 --json
                """
        )

        @Argument(help: "The server's name or number.")
        var node: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let node = try await OperationRunner(settings: loaded).run(ResumeNode(node: node))
            try output.write(ChangedNodeReport(node: node))
        }
    }
}

extension ListNodes.Report: CommandReport {
    package func text(style: TextStyle) -> String {
        var table = TableText(headings: ["NODE", "NAME", "STATUS", "CLIENTS", "HEARTBEAT", "STARTED", "ADDRESSES"])
        for node in nodes {
            table.add([
                "\(node.id)", node.name, node.status.rawValue, "\(node.clients)",
                "\(node.heartbeatAge / 1000) s ago", node.started,
                node.addresses.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            ])
        }
        return table.text(style: style)
    }
}

/// A server that was drained or resumed.
struct ChangedNodeReport: CommandReport {
    var node: NodeReport

    func text(style: TextStyle) -> String {
        let name = node.name.escapedForTerminal(lineBreaks: false)
        return switch node.status {
        case .draining: "Server '\(name)' gets no new clients; it has \(node.clients).\n"
        case .serving: "Server '\(name)' gets new clients.\n"
        case .silent: "Server '\(name)' is silent: noted for when it is heard of again.\n"
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import Chat
import Operations

extension Manage {
    /// `node`: the servers that share a database.
    struct Node: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
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
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the servers, with their open connections and the age of their heartbeats.",
            discussion: """
                A server says every few seconds that it lives. One that has not for 10
                seconds is silent: it is gone, or cut off from the database. STATUS has also
                the mode of a server that is read-only or in maintenance.

                CONNECTIONS are all that are open, logged in or not, pages of the panel among
                them. 'manage top' counts those that are logged in.

                Examples:
                  manage node list
                  manage node list --json
                """
        )

        @OptionGroup var common: OperationOptions

        func operation() -> ListNodes { ListNodes() }
    }

    /// `node drain`: no new clients for a server.
    struct Drain: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send no new clients to a server; those that it has stay.",
            discussion: """
                The balancer does not choose it, and its /readyz answers 503. It holds until
                'manage node resume', or until the server starts anew.

                With --message everybody who is connected to the server, or comes to it before
                it is resumed, is told: in the web chat, and by the clients of skaro, FastChat
                and MTP that take pushes. With --after it begins later; 'manage node resume'
                takes that back.

                Examples:
                  manage node drain alpha
                  manage node drain 17
                  manage node drain alpha --after 10m --message "Down for an update at 20:00."
                """
        )

        @Argument(help: "The server's name or number.")
        var node: String

        @Option(help: ArgumentHelp("What its clients are told now: a line of at most 500 bytes.", valueName: "text"))
        var message: String?

        @Option(
            help: ArgumentHelp(
                "When it begins: a number and s, m or h, at most a day. (default: now)", valueName: "time"),
            transform: LifetimeWord.parse)
        var after: LifetimeWord?

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let operation = DrainNode(node: node, message: message, seconds: after?.seconds)
            try output.write(ChangedNodeReport(node: try await NodeChange.made(by: operation, with: runner)))
        }
    }

    /// `node resume`: new clients for a server again.
    struct Resume: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send new clients to a server again.",
            discussion: """
                A drain that was announced and has not begun is taken back.

                Examples:
                  manage node resume alpha
                  manage node resume 17 --json
                """
        )

        @Argument(help: "The server's name or number.")
        var node: String

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            try output.write(
                ChangedNodeReport(node: try await NodeChange.made(by: ResumeNode(node: node), with: runner)))
        }
    }
}

/// A change of a server that is over when the server has heard of it.
enum NodeChange {
    /// Longer than the time between two heartbeats.
    private static let timeout = Duration.seconds(4)
    private static let pause = Duration.milliseconds(200)

    /// Makes a change, then waits until the server's heartbeat is newer than it; not for one that is silent.
    static func made<Operation: AdminOperation>(
        by operation: Operation, with runner: OperationRunner
    ) async throws -> NodeReport where Operation.Report == NodeReport {
        try await runner.withCaller { caller in
            let start = ContinuousClock.now
            let changed = try await caller.run(operation)
            while changed.status != .silent, start.duration(to: .now) < timeout {
                let elapsed = start.duration(to: .now)
                let node = try await caller.run(ListNodes()).nodes.first { $0.id == changed.id }
                guard let node, Duration.milliseconds(node.heartbeatAge) >= elapsed else { break }
                try await Task.sleep(for: pause)
            }
            return changed
        }
    }
}

extension ListNodes.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["NODE", "NAME", "STATUS", "CONNECTIONS", "HEARTBEAT", "STARTED"])
        for node in nodes {
            table.add([
                "\(node.id)", node.name, node.statusAndMode, "\(node.clients)",
                "\(node.heartbeatAge / 1000) s ago", node.started.minuteOfTime,
            ])
        }
        var places = TableText(headings: ["NODE", "PROTOCOL", "ADDRESS"], whole: ["ADDRESS"])
        for node in nodes {
            for (name, address) in node.addresses.sorted(by: { $0.key < $1.key }) {
                places.add(["\(node.id)", name, address])
            }
        }
        let hasPlaces = nodes.contains { !$0.addresses.isEmpty }
        var announced = TableText(headings: ["NODE", "DRAINS AT", "MESSAGE"], whole: ["MESSAGE"])
        for node in nodes {
            if let time = node.drainsAt { announced.add(["\(node.id)", time.minuteOfTime, node.message ?? ""]) }
        }
        let hasAnnounced = nodes.contains { $0.drainsAt != nil }
        return table.text(style: style) + (hasAnnounced ? "\n" + announced.text(style: style) : "")
            + (hasPlaces ? "\n" + places.text(style: style) : "")
    }
}

extension NodeReport {
    /// What it does with clients, and the mode that restricts it; one that serves in a mode has the mode alone.
    fileprivate var statusAndMode: String {
        guard mode != .normal else { return status.rawValue }
        return status == .serving ? mode.rawValue : "\(status.rawValue), \(mode.rawValue)"
    }
}

/// A server that was drained or resumed.
struct ChangedNodeReport: CommandReport {
    var node: NodeReport

    func text(style: TextStyle) -> String {
        let name = node.name.escapedForTerminal(lineBreaks: false)
        return switch node.status {
        case .draining: "Server '\(name)' gets no new clients; \(node.clients.counted("connection")) open.\n"
        case .serving where node.drainsAt != nil:
            "Server '\(name)' gets no new clients from \(node.drainsAt?.minuteOfTime ?? "") on.\n"
        case .serving where node.mode == .maintenance:
            "Server '\(name)' is in maintenance: it gets no new clients until it is started without it.\n"
        case .serving: "Server '\(name)' gets new clients.\n"
        case .silent: "Server '\(name)' is silent: noted for when it is heard of again.\n"
        }
    }
}

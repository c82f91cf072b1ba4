// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Storage
import Testing

@testable import ManageCommands

/// `node` and `balancer` beside a running server.
@Suite(.timeLimit(.minutes(10))) struct NodeCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func json(_ words: String...) async throws -> JSONValue {
        let result = try await run.run(words + ["--json", "-q"])
        #expect(result.status == .done, "\(result.errors)")
        return try JSONValue.parse(Array(result.output.utf8))
    }

    @Test func serversAreListedDrainedAndResumed() async throws {
        try await RunningServer.during(run) { chat in
            let membership = ClusterMembership(of: chat, name: "al\u{1B}pha", clients: { 5 })
            await membership.join(["mtp": "ws://192.0.2.1:80/ws"])
            try await chat.storage.keepAlive(chat.policy.node.id)
            let id = "\(chat.policy.node.id.rawValue)"

            let text = try await run("node", "list")
            let drained = try await run("node", "drain", id)
            await membership.beat()
            try await chat.storage.keepAlive(chat.policy.node.id)

            #expect(text.output.contains("  STATUS   CONNECTIONS  HEARTBEAT  "))
            #expect(text.output.contains(#"al\u{1b}pha  serving  5 "#))
            #expect(text.output.contains("NODE  PROTOCOL  ADDRESS\n"))
            #expect(text.output.contains("mtp       ws://192.0.2.1:80/ws\n"))
            #expect(drained.output == "Server 'al\\u{1b}pha' gets no new clients; 5 connections open.\n")
            #expect(membership.isDraining)
            let node = try await json("node", "list")["nodes"]?.array?[0]
            #expect(node?["status"]?.string == "draining")
            #expect(node?["clients"]?.int == 5)
            #expect(node?["addresses"]?["mtp"]?.string == "ws://192.0.2.1:80/ws")

            let resumed = try await json("node", "resume", id)
            #expect(resumed["node"]?["status"]?.string == "serving")
        }
    }

    @Test func statusTellsTheModeOfEachServerIn80Columns() async throws {
        try await RunningServer.during(run) { chat in
            func node(_ name: String, _ mode: ServiceMode) async throws -> String {
                let id = try await chat.storage.registerNode(NewNode(name: name, address: "", mode: mode.rawValue))
                try await chat.storage.keepAlive(id)
                return "\(id.rawValue)"
            }
            let ids = [
                try await node("alpha", .normal), try await node("beta", .maintenance),
                try await node("third-node", .readOnly),
            ]
            _ = try await chat.storage.setDraining(NodeID(try #require(Int64(ids[2]))), true)

            let text = try await run("node", "list")
            let list = try await json("node", "list")
            let resumed = try await run("node", "resume", "beta")

            let rows = text.output.split(separator: "\n").dropFirst()
            let cells = rows.map { $0.split(separator: " ").map(String.init) }
            #expect(
                cells.map { Array($0.prefix(3)) } == [
                    [ids[0], "alpha", "serving"], [ids[1], "beta", "maintenance"], [ids[2], "third-node", "draining,"],
                ])
            #expect(cells[2][3] == "read-only")
            #expect(rows.allSatisfy { $0.count <= 80 }, "\(text.output)")
            let modes = list["nodes"]?.array?.map { $0["mode"]?.string }
            #expect(modes == ["normal", "maintenance", "read-only"])
            #expect(
                resumed.output
                    == "Server 'beta' is in maintenance: it gets no new clients until it is started without it.\n")
        }
    }

    @Test func unknownServerIsNotFound() async throws {
        try await RunningServer.during(run) { _ in
            let result = try await run("node", "drain", "delta", "-q")

            #expect(result.status == .notFound)
            #expect(result.errors == "Error: No server is called 'delta'. List them with 'manage node list'.\n")
        }
    }

    @Test func listIsEmptyWhenNoServerRuns() async throws {
        let made = try await run("db", "create", "-q")
        #expect(made.status == .done)

        let nodes = try await json("node", "list")

        #expect(nodes["nodes"]?.array?.count == 0)
    }

    @Test(arguments: [["--listen", "nowhere"], ["--listen", "9155"], ["--listen", "127.0.0.1:70000"]])
    func wrongAddressOfTheBalancerIsWrongUsage(_ words: [String]) async throws {
        let result = try await run.run(["balancer"] + words)

        #expect(result.status == .usage)
        #expect(result.errors.contains("--listen"))
    }

    @Test func balancerKnowsThreeWays() async throws {
        let result = try await run("balancer", "--algorithm", "best")

        #expect(result.status == .usage)
    }
}

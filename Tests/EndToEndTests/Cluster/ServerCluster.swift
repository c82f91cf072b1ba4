// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import Glibc
import JSON
import TestClient
import Testing

/// Servers that share one PostgreSQL, each with its own name, socket and log.
struct ServerCluster: Sendable {
    /// One of the servers.
    struct Node: Sendable {
        let name: String
        let server: RunningServer
    }

    /// How long an event may take that comes with a heartbeat or after the end of one.
    static let timeout = Duration.seconds(20)
    private let pollPause = Duration.milliseconds(100)

    let program: Program
    let nodes: [Node]

    /// Starts servers around `body`, the first one with a balancer; those that live are stopped afterwards.
    ///
    /// `tracer` gives what stands before the program's name when a server is started.
    static func with(
        _ names: [String], tracer: (Program, String) async throws -> [String] = { _, _ in [] },
        _ body: (ServerCluster) async throws -> Void
    ) async throws {
        try await Program.with { program in
            try await Engine.postgres.prepare(program) {
                var nodes: [Node] = []
                // One after the other: the first one makes the key file that they share.
                for name in names {
                    use(name, in: program)
                    program["PARLEY_BALANCER_LISTEN"] = nodes.isEmpty ? "127.0.0.1:0" : nil
                    let server = try await program.startServer(tracer: try await tracer(program, name))
                    nodes.append(Node(name: name, server: server))
                }
                try await body(ServerCluster(program: program, nodes: nodes))
                for node in nodes { node.server.process.send(SIGTERM) }
                for node in nodes { _ = await node.server.process.ended() }
            }
        }
    }

    /// Later commands are those of a server.
    static func use(_ name: String, in program: Program) {
        program["PARLEY_CLUSTER_NODE"] = name
        program["PARLEY_ADMIN_SOCKET"] = program.path("\(name).sock")
        program["PARLEY_LOGGING_FOLDER"] = program.path("log-\(name)")
    }

    /// Runs a command beside a server.
    func manage(on name: String, _ words: String...) async throws -> JSONValue {
        Self.use(name, in: program)
        let done = try await program.run([Program.path] + words + ["--json", "--quiet"])
        try #require(done.ending == .exited(0), "\(words): \(done.errors)")
        return try JSONValue.parse(Array(done.output.utf8))
    }

    /// The list of servers as one of them has it.
    func list(on name: String) async throws -> [JSONValue] {
        Array(try #require(try await manage(on: name, "node", "list")["nodes"]?.array))
    }

    /// Changes the list of servers behind their backs.
    func query(_ sql: String) async throws {
        let done = try await program.run([
            "/usr/bin/psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1",
            "--dbname", try #require(program["PARLEY_DATABASE_URI"]), "--command", sql,
        ])
        try #require(done.ending == .exited(0), "\(done.errors)")
    }

    /// What the first server's balancer names a client.
    func assignment() async throws -> FastChatAssignment {
        try await FastChatClient.assignment(
            host: "127.0.0.1", port: try await nodes[0].server.port(of: "Balancer"))
    }

    /// The name of the server that an assignment leads to.
    func name(of assignment: FastChatAssignment) async throws -> String? {
        for node in nodes where try await node.server.port(of: "FastChat") == assignment.port { return node.name }
        return nil
    }

    /// The servers that a few answers of the balancer in a row name.
    func assigned(_ count: Int = 12) async throws -> Set<String> {
        var names: Set<String> = []
        for _ in 0..<count { names.insert(try #require(await name(of: try await assignment()))) }
        return names
    }

    /// Asks again until something is so; what changes with heartbeats sends no word of it.
    func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + Self.timeout
        while ContinuousClock.now < end {
            if try await condition() { return true }
            try await Task.sleep(for: pollPause)
        }
        return false
    }
}

extension AsyncStream where Element: Sendable {
    /// The first element that fits, and how long it took to come; `nil` when it has not come in time.
    func first(
        within limit: Duration, where isMatch: @escaping @Sendable (Element) -> Bool
    ) async -> (element: Element, after: Duration)? {
        let start = ContinuousClock.now
        return await withTaskGroup(of: (Element, Duration)?.self) { group in
            group.addTask {
                for await element in self where isMatch(element) {
                    return (element, start.duration(to: .now))
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}

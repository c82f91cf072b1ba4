// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import Logging
import MTP
import NIOCore
import NIOPosix
import Storage
import TestSupport
import Testing
import Transport
import Web

@testable import ManageCommands

/// The commands of `testclient` against the protocol itself, over real sockets, beside the admin socket.
@Suite(.timeLimit(.minutes(10))) struct LocalServerTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// Serves MTP and the home page over a domain while `body` runs; `body` gets the environment that leads to it.
    private static func serving(_ chat: Chat, _ body: ([String: String]) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let registry = ConnectionRegistry(group: group)
        let service = MTPService(
            chat: chat, options: MTPService.Options(), registry: registry, logger: logger)
        let web = try WebService(
            version: "0.1.0", status: { nil }, readiness: { [] }, templatesFolder: nil, logger: logger)
        let ports = Announced<Int>()
        let onRunning: @Sendable (any Channel) async -> Void = { ports.announce($0.localAddress?.port ?? 0) }
        let listener = try Listener(
            .http(webSockets: [service.route], registry: registry),
            address: ListenerAddress(host: "127.0.0.1", port: 0), registry: registry, group: group,
            drainTimeout: .seconds(10), logger: logger, responder: web.responder, onRunning: onRunning)
        try await withServices([listener], announced: ports) { port, _ in
            try await body([
                "PARLEY_SERVER_PORT": "\(port)", "PARLEY_MESSENGER_PORT": "0", "PARLEY_FASTCHAT_PORT": "0",
                "PARLEY_METRICS_LISTEN": "127.0.0.1:0",
            ])
        }
    }

    @Test func bareSendIsAnsweredAndLeavesNothingBehind() async throws {
        try await RunningServer.during(run) { chat in
            try await Self.serving(chat) { environment in
                for _ in 0..<2 {
                    let result = try await run("testclient", "send", environment: environment)

                    #expect(result.status == .done)
                    let answer = try JSONValue.parse(Array(result.output.utf8))
                    #expect(answer["errors"]?["code"]?.int == 200)
                    #expect(answer["data"]?["message"]?.array?[0]["uuid"]?.string?.isEmpty == false)
                }
                let ping = try await run("testclient", "ping", environment: environment)
                #expect(ping.status == .done)
                #expect(ping.output.hasPrefix("200 OK from ws://127.0.0.1:"))
            }
            let counts = try await chat.storage.counts()
            #expect(counts.messages == 0 && counts.flows == 0 && counts.users == 0)
            #expect(try await chat.storage.messages(limit: 10).messages.isEmpty)
            let bot = try #require(try await chat.storage.user(loginKey: "testclient"))
            #expect(try await chat.storage.sessions(of: bot.id).isEmpty)
        }
    }

    @Test func sessionPassesAndLeavesNothingBehind() async throws {
        try await RunningServer.during(run) { chat in
            try await Self.serving(chat) { environment in
                let result = try await run("testclient", "session", "--json", "-q", environment: environment)

                #expect(result.status == .done)
                #expect(result.errors == "")
                let steps = try JSONValue.parse(Array(result.output.utf8))["steps"]?.array
                #expect(steps?.count == MTPMethod.allCases.count)
                for step in try #require(steps) {
                    #expect(step["outcome"]?.string == "passed", "\(step["method"]?.string ?? ""): \(result.output)")
                }
            }
            let counts = try await chat.storage.counts()
            #expect(counts.users == 0)
            #expect(counts.flows == 0)
        }
    }

    @Test func refusalsHaveTheirStatus() async throws {
        try await RunningServer.during(run) { chat in
            try await Self.serving(chat) { environment in
                let made = try await run(
                    "user", "create", "--login", "alice", "--username", "Alice", "--password-stdin",
                    input: "secret-word\n")
                #expect(made.status == .done)
                for (words, input, status) in [
                    (["-t", "all_flow", "--login", "alice"], "wrong", CommandStatus.refused),
                    (["-t", "all_flow", "--login", "nobody"], "secret-word", .notFound),
                    (["-t", "register_user", "--login", "alice"], "secret-word", .exists),
                    (["-t", "all_messages", "--login", "alice", "--flow", "1"], "secret-word", .notFound),
                    (["-t", "ping_pong", "--login", "alice"], "secret-word", .done),
                ] {
                    let result = try await run.run(
                        ["testclient", "send", "--password-stdin"] + words, input: input, environment: environment)
                    #expect(result.status == status, "\(words)")
                }
            }
        }
    }

    @Test func doctorRecognisesTheServer() async throws {
        try await RunningServer.during(run) { chat in
            try await Self.serving(chat) { environment in
                let result = try await run("doctor", "--json", environment: environment)

                let checks = try JSONValue.parse(Array(result.output.utf8))["checks"]?.array
                let statuses = checks?.compactMap { check in
                    check["check"]?.string.map { "\($0) \(check["status"]?.string ?? "")" }
                }
                #expect(statuses?.contains("ports ok") == true)
                #expect(statuses?.contains("database ok") == true)
            }
        }
    }
}

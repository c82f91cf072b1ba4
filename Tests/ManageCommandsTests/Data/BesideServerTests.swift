// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Logging
import Settings
import Storage
import StorageSQLite
import Synchronization
import Testing
import Transport

@testable import ManageCommands

/// The same commands beside a running server: they act on it through its admin socket.
struct BesideServerTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    @Test func commandsActOnTheServerAtOnce() async throws {
        try await RunningServer.during(run) { chat in
            let made = try await run("user", "create", "--login", "alice", "--password-stdin", input: "word\n")
            #expect(made.status == .done)
            let logIn = try await chat.logIn(
                login: "alice", password: Password("word"), from: Origin(protocol: "mtp", address: "::1"))
            let connection = RecordingConnection()
            chat.hub.attach(connection, principal: logIn.principal, wantsNews: false)
            #expect(try await run("user", "show", "alice").output.contains("Connected  yes"))

            #expect(try await run("user", "logout", "alice").output == "Ended 1 session of 'alice'.\n")

            await connection.revocation()
            #expect(try await run("user", "show", "nobody").status == .notFound)
            #expect(try await run("user", "list").output.split(separator: "\n").count == 2)
        }
        #expect(try await run("user", "show", "alice").output.contains("Connected  no"))
    }

    @Test func progressComesThroughTheSocket() async throws {
        try await RunningServer.during(run) { chat in
            let seeded = try await run("flow", "seed", "--users", "600", "--messages", "3000", isTerminal: true)

            #expect(seeded.errors.contains("3000 of 3000 messages"))
            #expect(try await chat.storage.counts().messages == 3000)
            #expect(try await run("user", "list").output.split(separator: "\n").count == 602)
            #expect(try await run("db", "status").output.contains("Messages    3000"))
        }
    }

    @Test func tablesAreNotTouchedWhileAServerRuns() async throws {
        try await RunningServer.during(run) { _ in
            for words in [["db", "create"], ["db", "migrate"], ["db", "delete", "--yes"]] {
                let result = try await run.run(words)

                #expect(result.status == .busy)
                #expect(result.errors.contains("Stop the server"))
            }
        }
        #expect(try await run("db", "delete", "--yes").status == .done)
    }

    @Test func lockWithoutASocketIsBusy() async throws {
        #expect(try await run("db", "create").status == .done)
        let lock = try DatabaseLock(databasePath: run.path("db_sqlite.db"))

        for (words, hint) in [
            (["user", "list"], "[ADMIN] SOCKET"), (["db", "status"], "[ADMIN] SOCKET"),
            (["db", "migrate"], "Stop the server"),
        ] {
            let result = try await run.run(words)

            #expect(result.status == .busy)
            #expect(result.errors.contains(hint))
        }
        withExtendedLifetime(lock) {}
    }

    @Test func serverOnAnotherDatabaseIsNotTakenForThisOne() async throws {
        try run.write("[DATABASE]\nURI = sqlite:other.db\n", to: "other.ini")
        try await RunningServer.during(run) { chat in
            let created = try await run("db", "create", "--config", "other.ini")
            let made = try await run(
                "user", "create", "--login", "alice", "--password-stdin", "--config", "other.ini", input: "word\n")
            let users = try await chat.storage.counts().users

            #expect(created.status == .done)
            #expect(made.status == .done)
            #expect(users == 0)
        }
    }

    @Test func databaseInMemoryIsReachedThroughTheServerOnly() async throws {
        try run.write("[DATABASE]\nURI = sqlite:/:memory:\n", to: "config.ini")
        try await RunningServer.during(run) { chat in
            let made = try await run("flow", "seed")
            let flows = try await chat.storage.counts().flows

            #expect(made.status == .done)
            #expect(flows == 1)
        }
        #expect(try await run("flow", "seed").status == .unavailable)
    }

    @Test(arguments: [
        ("not_found", CommandStatus.notFound), ("exists", .exists), ("refused", .refused), ("invalid", .usage),
        ("busy", .busy), ("unavailable", .unavailable), ("failed", .failed),
    ])
    func everyKindOfErrorHasItsStatus(kind: String, status: CommandStatus) async throws {
        let line = #"{"error":{"kind":"\#(kind)","message":"It is so.","next_step":"Do that."}}"#
        let answer: AdminRequestHandler = { _, _, send in await send(Array(line.utf8)) }
        try await RunningServer.answering(in: run, answer) {
            let result = try await run("user", "show", "alice", "-q")

            #expect(result.status == status)
            #expect(result.output == "")
            #expect(result.errors == "Error: It is so. Do that.\n")
        }
    }

    @Test(arguments: ["", "{}", "[]", #"{"result":{"login":1}}"#, #"{"error":{"kind":"odd","message":"m"}}"#])
    func answerThatCannotBeReadIsAFailure(answer: String) async throws {
        let handler: AdminRequestHandler = { _, _, send in await send(Array(answer.utf8)) }
        try await RunningServer.answering(in: run, handler) {
            let result = try await run("user", "show", "alice")
            #expect(result.status == .failed)
        }
    }

    @Test func secretsTravelThroughTheSocketOnly() async throws {
        let requests = Mutex<[String]>([])
        let error = #"{"error":{"kind":"exists","message":"There."}}"#
        let handler: AdminRequestHandler = { line, _, send in
            let request = String(decoding: line, as: UTF8.self)
            requests.withLock { $0.append(request) }
            await send(Array((request.contains("user.check_login") ? #"{"result":{"login":"a"}}"# : error).utf8))
        }
        try await RunningServer.answering(in: run, handler) {
            let result = try await run("user", "create", "--login", "a", "--password-stdin", input: "hunter2\n")

            #expect(result.status == .exists)
            #expect(!(result.output + result.errors).contains("hunter2"))
        }
        let sent = requests.withLock { $0 }
        #expect(sent.count == 2)
        #expect(sent.first?.contains("hunter2") == false)
        #expect(sent.last?.contains(#""password":"hunter2""#) == true)
        #expect(sent.last?.contains(#""operation":"user.create""#) == true)
    }
}

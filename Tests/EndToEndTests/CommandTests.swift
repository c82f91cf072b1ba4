// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import MTP
import TestClient
import Testing

/// Commands of `manage` beside a running server, where they act at once, and without one.
@Suite(.timeLimit(.minutes(10)))
struct CommandTests {
    @Test func accountMadeBesideTheServerLogsInAtOnce() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let client = try await MTPClient.connect(url: server.url)

            let made = try await program.manage(
                "user", "create", "--login", "alice", "--username", "Alice", "--password-stdin", input: "a word\n")
            let credentials = try await client.authenticate(login: "alice", password: "a word")
            let changed = try await program.manage(
                "user", "set-password", "alice", "--password-stdin", input: "another word\n")

            #expect(made.ending == .exited(0) && changed.ending == .exited(0))
            #expect(!credentials.authID.isEmpty)
            let again = try await MTPClient.connect(url: server.url)
            #expect(try await again.request(.authentication(login: "alice", password: "a word")).code == 401)
            #expect(try await again.authenticate(login: "alice", password: "another word") != credentials)
            await server.stop()
        }
    }

    @Test func logOutClosesTheOpenConnectionsOfThatUserOnly() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let bob = try await Person("bob", on: server)

            let done = try await program.manage("user", "logout", "alice")

            #expect(done.ending == .exited(0))
            #expect(await alice.client.webSocket.closed().code == 1008)
            #expect(try await Person(alice.credentials, on: server).ping() == 401)
            #expect(try await bob.ping() == 200)
            await server.stop()
        }
    }

    @Test func deletedAccountIsGoneAtOnce() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)

            let done = try await program.manage("user", "delete", "alice", "--yes")

            #expect(done.ending == .exited(0))
            _ = await alice.client.webSocket.closed()
            let client = try await MTPClient.connect(url: server.url)
            #expect(try await client.request(.authentication(login: "alice", password: "a password")).code == 404)
            await server.stop()
        }
    }

    @Test(arguments: [true, false])
    func dataCommandsWorkWithAServerAndWithout(isBeside: Bool) async throws {
        try await Program.with { program in
            #expect(try await program.manage("db", "create").ending == .exited(0))
            let server = isBeside ? try await program.startServerOnKnownPort() : nil

            let seeded = try await program.manage("flow", "seed", "--users", "3", "--messages", "250", "--json")
            let status = try await program.manage("db", "status", "--json")
            let users = try await program.manage("user", "list", "--json")
            let missing = [
                try await program.manage("user", "show", "nobody"),
                try await program.manage("flow", "show", "215904230163340943519829158143061442342"),
            ]
            let checked = try await program.manage("doctor", "--json")

            #expect(seeded.ending == .exited(0), "\(seeded.errors)")
            let counts = try Self.json(status)["counts"]
            #expect(counts?["messages"]?.int == 250)
            // The bot that owns the seeded groups is one of them.
            #expect(counts?["users"]?.int == 4 && counts?["flows"]?.int == 1)
            #expect(try Self.json(users)["users"]?.array?.count == 4)
            for result in missing {
                #expect(result.ending == .exited(6) && result.output == "" && result.errorLines.count == 1)
            }
            #expect(checked.ending == .exited(0), "\(checked.output)")
            await server?.stop()

            // What was done without a server is there for one, and the other way round.
            let next = try await program.startServer()
            let alice = try await Person("alice", on: next)
            let flows = try await alice.client.request(.allFlow(as: alice.credentials))
            let flow = try #require(flows.data?.flow?.first?.uuid?.description)
            #expect(try await alice.messages(of: flow).count == 250)
            await next.stop()
        }
    }

    @Test func tablesAreNotTouchedBesideAServer() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)

            for words in [["create"], ["migrate"], ["delete", "--yes"]] {
                let result = try await program.run([Program.path, "db"] + words)
                #expect(result.ending == .exited(75) && result.errorLines.count == 1)
            }

            #expect(try await alice.ping() == 200)
            await server.stop()
        }
    }

    @Test(arguments: Engine.available)
    func bareSendIsTheHealthCheck(engine: Engine) async throws {
        try await Program.with { program in
            try await engine.prepare(program) {
                let server = try await program.startServerOnKnownPort()

                let healthy = try await program.manage("testclient", "send")
                let users = try await program.manage("user", "list")
                await server.stop()
                let dead = try await program.manage("testclient", "send")

                #expect(healthy.ending == .exited(0), "\(healthy.errors)")
                #expect(try Self.json(healthy)["errors"]?["code"]?.int == 200)
                #expect(!users.output.contains("testclient"))
                #expect(dead.ending == .exited(69))
                #expect(dead.output == "" && dead.errorLines.count == 1, "\(dead.errors)")
            }
        }
    }

    @Test func sessionWalksThroughAllMethodsAndLeavesNothingBehind() async throws {
        try await Program.with { program in
            let server = try await program.startServerOnKnownPort()

            let walk = try await program.manage("testclient", "session", "--json")
            let users = try await program.manage("user", "list", "--json")

            #expect(walk.ending == .exited(0), "\(walk.output)")
            #expect(try Self.json(users)["users"]?.array?.isEmpty == true)
            await server.stop()
        }
    }

    @Test(arguments: Engine.available)
    func everyPairOfProtocolsTalksAndLeavesNothingBehind(engine: Engine) async throws {
        try await Program.with { program in
            try await engine.prepare(program) {
                let server = try await program.startServerOnKnownPort(everyProtocol: true)

                let walk = try await program.manage("testclient", "session", "--protocol", "all", "--json")
                let users = try await program.manage("user", "list", "--json")

                #expect(walk.ending == .exited(0), "\(walk.output)\(walk.errors)")
                let steps = try #require(Self.json(walk)["steps"]?.array)
                for sender in ["mtp", "skaro", "messenger", "fastchat"] {
                    for recipient in ["mtp", "skaro", "messenger", "fastchat"] where recipient != sender {
                        #expect(
                            steps.contains {
                                $0["method"]?.string == "\(sender) to \(recipient)" && $0["outcome"]?.string == "passed"
                            })
                    }
                }
                #expect(try Self.json(users)["users"]?.array?.isEmpty == true)
                await server.stop()
            }
        }
    }

    @Test func operatorSeesWhatHappens() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("a text of alice", in: flow) == 200)

            let load = try await program.manage("top", "--once", "--interval", "0.1", "--json")
            let log = try await program.manage("tail", "--once")
            let texts = try await program.manage("tail", "--once", "--text", "--yes")
            let nodes = try await program.manage("node", "list", "--json")
            await server.stop()
            let none = try await program.manage("top", "--once")
            let kept = try await program.manage("tail", "--once")

            #expect(load.ending == .exited(0), "\(load.errors)")
            #expect(log.output.contains("alice") && !log.output.contains("a text of alice"))
            #expect(texts.output.contains("a text of alice"))
            #expect(try Self.json(nodes)["nodes"]?.array?.count == 1)
            #expect(none.ending == .exited(69) && none.errorLines.count == 1)
            #expect(kept.output.contains("alice"))
        }
    }

    @Test func statusOfTheTestClientTellsTheAnswer() async throws {
        try await Program.with { program in
            let server = try await program.startServerOnKnownPort()
            let alice = try await Person("alice", on: server, password: "a word")
            let flow = try await alice.makeFlow()
            let login = ["--login", "alice", "--password-stdin"]
            let cases: [(words: [String], input: String, status: Int32)] = [
                (["-t", "all_flow"] + login, "a word", 0),
                (["--flow", flow, "--text", "hello"] + login, "a word", 0),
                (["-t", "authentication"] + login, "wrong", 4),
                (["-t", "authentication", "--login", "nobody", "--password-stdin"], "a word", 6),
                (["--flow", "99999", "--text", "hello"] + login, "a word", 6),
                (["-t", "register_user"] + login, "a word", 7),
                (["-t", "add_flow", "--set", "data.flow.0.type=odd"] + login, "a word", 1),
                (["--raw", "no json"], "", 1),
                (["-t", "all_flow", "-a", "ws://127.0.0.1:1/ws"] + login, "a word", 69),
                (["-t", "no_method"], "", 64),
            ]

            for (words, input, status) in cases {
                let result = try await program.run([Program.path, "testclient", "send"] + words, input: input)
                #expect(result.ending == .exited(status), "\(words): \(result.output)\(result.errors)")
            }
            #expect(try await alice.messages(of: flow).map { $0.text?.string } == ["hello"])
            await server.stop()
        }
    }

    @Test func commandsWorkAfterAServerThatWasKilled() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            _ = try await Person("alice", on: server)
            server.process.send(9)
            _ = await server.process.ended()

            let shown = try await program.manage("user", "show", "alice")
            let checked = try await program.manage("doctor")

            #expect(shown.ending == .exited(0), "\(shown.errors)")
            #expect(checked.ending == .exited(0), "\(checked.output)")
        }
    }

    private static func json(_ result: Program.Result) throws -> JSONValue {
        try JSONValue.parse(Array(result.output.utf8))
    }
}

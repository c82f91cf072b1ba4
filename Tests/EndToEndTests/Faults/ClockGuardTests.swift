// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import MTP
import TestClient
import Testing

/// A clock that is wrong erases nothing and parts nobody.
@Suite(.timeLimit(.minutes(10)))
struct ClockGuardTests {
    private static let day: Int64 = 24 * 3600

    /// How many seconds after its opening the one session of an account was last noted as connected.
    private func secondsSeen(_ login: String, of program: Program) async throws -> Double {
        let done = try await program.manage("user", "sessions", login, "--json", "--quiet")
        try #require(done.ending == .exited(0), "\(done.errors)")
        let sessions = Array(try #require(try JSONValue.parse(Array(done.output.utf8))["sessions"]?.array))
        try #require(sessions.count == 1, "\(done.output)")
        func time(_ name: String) throws -> Date {
            let text = try #require(sessions[0][name]?.string)
            return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        return try time("last_seen").timeIntervalSince(try time("created"))
    }

    /// The first round comes a minute after the start: this takes as long.
    @Test(arguments: Engine.available)
    func nothingIsErasedByAClockThatWasSetAhead(engine: Engine) async throws {
        try await Program.with { program in
            program["PARLEY_RETENTION_GROUP"] = "1d"
            let clock = try await MovableClock(program)
            try await engine.prepare(program) {
                let server = try await program.startServer(tracer: clock.tracer)
                let alice = try await Person("alice", on: server)
                let flow = try await alice.makeFlow()
                #expect(try await alice.say("from today", in: flow) == 200)

                try clock.set(365 * Self.day)
                // Logins are valid for thirty days, and rows of sessions go thirty days later.
                let late = try await Person(alice.credentials, on: server)
                #expect(try await late.say("too late", in: flow) == 401)
                let bob = try await Person("bob", on: server)
                #expect(try await bob.say("from next year", in: flow) == 200)
                let warning = await server.process.errors.line { $0.contains("no old messages are erased") }
                #expect(warning?.contains("clock.hours_ahead=") == true, "\(warning ?? "")")
                // The same round that removes sessions notes which are connected; no word of it is sent.
                while try await secondsSeen("bob", of: program) < 10 { try await Task.sleep(for: .seconds(1)) }

                // What was over by that clock only, is valid again, and what was made by it stays so.
                try clock.set(0)
                let back = try await Person(alice.credentials, on: server)
                #expect(try await back.say("from today, too", in: flow) == 200)
                #expect(try await bob.say("still here", in: flow) == 200)
                let texts = try await back.messages(of: flow).map { $0.text?.string }
                #expect(texts == ["from today", "from next year", "from today, too", "still here"])
                await server.stop()
            }
        }
    }

    /// The server has known no other clock; PostgreSQL's tells.
    @Test(.enabled(if: Engine.available.contains(.postgres)))
    func nothingIsErasedByAClockThatIsAheadOfTheDatabase() async throws {
        try await Program.with { program in
            program["PARLEY_RETENTION_GROUP"] = "1d"
            let clock = try await MovableClock(program)
            try await Engine.postgres.prepare(program) {
                var server = try await program.startServer()
                let alice = try await Person("alice", on: server)
                let flow = try await alice.makeFlow()
                #expect(try await alice.say("from today", in: flow) == 200)
                await server.stop()

                try clock.set(29 * Self.day)
                server = try await program.startServer(tracer: clock.tracer)
                let back = try await Person(alice.credentials, on: server)
                let warning = await server.process.errors.line { $0.contains("is ahead of the database's") }

                // 29 days, less the moment between two looks at two clocks.
                let hours = ["clock.hours_ahead=695", "clock.hours_ahead=696"]
                #expect(hours.contains { warning?.contains($0) == true }, "\(warning ?? "")")
                #expect(try await back.messages(of: flow).map { $0.text?.string } == ["from today"])
                await server.stop()
            }
        }
    }

    @Test(.enabled(if: Engine.available.contains(.postgres)), arguments: [-1, 1])
    func serversWhoseClocksAreADayApartAreOne(days: Int64) async throws {
        var tracerOfBeta: [String] = []
        func tracer(_ program: Program, _ name: String) async throws -> [String] {
            guard name == "beta" else { return [] }
            let clock = try await MovableClock(program)
            try clock.set(days * Self.day)
            tracerOfBeta = clock.tracer
            return clock.tracer
        }
        try await ServerCluster.with(["alpha", "beta"], tracer: tracer) { cluster in
            let people = [
                try await Person("alice", on: cluster.nodes[0].server),
                try await Person("bob", on: cluster.nodes[1].server),
            ]
            let flow = try await people[0].makeFlow()
            var texts: [String] = []
            for number in 0..<20 {
                let text = "message \(number)"
                #expect(try await people[number % 2].say(text, in: flow) == 200)
                texts.append(text)
            }

            for person in people {
                #expect(try await person.messages(of: flow).map { $0.text?.string } == texts)
            }
            // Whether a server lives is told by the database's clock, for both sides.
            for node in cluster.nodes {
                let list = try await cluster.list(on: node.name)
                #expect(list.map { $0["status"]?.string } == ["serving", "serving"], "\(node.name)")
            }
            try await Self.expectNoSessionEnds(in: cluster, tracer: tracerOfBeta)
        }
    }

    /// Sessions of messenger end with their server: one that starts ends those of servers that it takes for dead.
    private static func expectNoSessionEnds(in cluster: ServerCluster, tracer: [String]) async throws {
        var clients: [MessengerClient] = []
        let logins = ["carol", "dave"]
        for (login, node) in zip(logins, cluster.nodes) {
            let client = try await node.server.messenger()
            try await client.signUp(login: login, password: "a password")
            try await client.logIn(login, password: "a password")
            clients.append(client)
        }

        for (name, tracer) in [("gamma", tracer), ("delta", [])] {
            ServerCluster.use(name, in: cluster.program)
            let server = try await cluster.program.startServer(tracer: tracer)
            for login in logins {
                let sessions = try await cluster.manage(on: name, "user", "sessions", login)["sessions"]?.array
                #expect(sessions?.map { $0["state"]?.string } == ["connected"], "\(login) as \(name) sees it")
            }
            await server.stop()
        }

        // What is written on one arrives on the other.
        for (sender, receiver) in [(0, 1), (1, 0)] {
            try await clients[sender].send("from \(logins[sender])", to: logins[receiver])
            let arrived = await clients[receiver].pushes.first(within: ServerCluster.timeout) {
                $0 == .message(from: logins[sender], text: "from \(logins[sender])")
            }
            #expect(arrived != nil, "\(logins[sender])")
        }
    }
}

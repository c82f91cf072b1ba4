// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import Testing

/// A clock that is wrong erases nothing and parts nobody.
@Suite(.timeLimit(.minutes(10)))
struct ClockGuardTests {
    private static let day: Int64 = 24 * 3600

    /// The first round comes a minute after the start: this takes as long.
    @Test func nothingIsErasedByAClockThatWasSetAhead() async throws {
        try await Program.with { program in
            program["PARLEY_RETENTION_GROUP"] = "1d"
            let clock = try await MovableClock(program)
            let server = try await program.startServer(tracer: clock.tracer)
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("from today", in: flow) == 200)

            // Logins are valid for thirty days.
            try clock.set(29 * Self.day)
            let warning = await server.process.errors.line { $0.contains("no old messages are erased") }

            #expect(warning?.contains("clock.hours_ahead=") == true, "\(warning ?? "")")
            #expect(try await alice.messages(of: flow).map { $0.text?.string } == ["from today"])
            await server.stop()
        }
    }

    @Test(.enabled(if: Engine.available.contains(.postgres)), arguments: [-1, 1])
    func serversWhoseClocksAreADayApartAreOne(days: Int64) async throws {
        func tracer(_ program: Program, _ name: String) async throws -> [String] {
            guard name == "beta" else { return [] }
            let clock = try await MovableClock(program)
            try clock.set(days * Self.day)
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
        }
    }
}

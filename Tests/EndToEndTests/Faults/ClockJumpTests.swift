// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import JSON
import MTP
import TestClient
import Testing

/// The time of day jumps under the running server; nobody is cut off, and nothing is lost or out of order.
@Suite(.timeLimit(.minutes(10)))
struct ClockJumpTests {
    private static let hour: Int64 = 3600
    private static let day = 24 * hour

    /// The clock after each jump, and the log's time then: both in seconds after the real time.
    ///
    /// The log follows a clock that is set back at once, but not twice within an hour of its own time.
    private static let jumps: [(clock: Int64, log: Int64)] = [
        (0, 0), (day, day), (0, 0), (day, day), (0, day), (2 * hour, 2 * hour), (-day, -day), (29 * day, 29 * day),
        (0, 0),
    ]

    @Test(arguments: Engine.available)
    func connectionsAndMessagesGoOnWhenTheClockJumps(engine: Engine) async throws {
        try await Program.with { program in
            let clock = try await MovableClock(program)
            try await engine.prepare(program) {
                let server = try await program.startServer(tracer: clock.tracer)
                let alice = try await Person("alice", on: server)
                let bob = try await Person("bob", on: server)
                let flow = try await alice.makeFlow()
                let start = Int64(time(nil))
                var texts: [String] = []

                for (number, jump) in Self.jumps.enumerated() {
                    try clock.set(jump.clock)
                    for (person, name) in [(alice, "alice"), (bob, "bob")] {
                        let text = "\(name) \(number)"
                        #expect(try await person.say(text, in: flow) == 200, "\(text)")
                        texts.append(text)
                    }
                    #expect(try await HTTPClient.get(server.httpURL + "readyz").status == 200, "jump \(number)")
                }

                let elapsed = Int64(time(nil)) - start
                let messages = try await alice.messages(of: flow)
                #expect(messages.map { $0.text?.string } == texts)
                #expect(Set(messages.map(\.uuid)).count == texts.count)
                let times = try messages.map { try #require($0.time) - start }
                for (number, jump) in Self.jumps.enumerated() {
                    for time in times[2 * number...2 * number + 1] {
                        // The messages of one second, and the seconds that the test took.
                        #expect((jump.log - 1...jump.log + elapsed + 1).contains(time), "jump \(number): \(time)")
                    }
                }
                await server.stop()
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import MTP
import TestSupport
import Testing

/// PostgreSQL is killed or hangs: whatever the server answers is true, and it recovers.
@Suite(.enabled(if: PrivatePostgres.isAvailable), .timeLimit(.minutes(10)))
struct PostgresFaultTests {
    private static let senders = 6
    private static let depth = 8
    private static let pageSize = 1000

    private static func makeStreams(on server: RunningServer, flow: String) async throws -> [JudgedStream] {
        var streams: [JudgedStream] = []
        for index in 0..<senders {
            let person = try await Person("sender\(index)", on: server)
            streams.append(
                JudgedStream(name: "sender\(index)", credentials: person.credentials, flow: flow, depth: depth))
        }
        return streams
    }

    /// Holds what the senders were told against the flow's messages.
    private static func check(_ streams: [JudgedStream], against log: [MessageObject], _ place: Comment) {
        let texts = log.compactMap { $0.text?.string }
        #expect(Set(texts).count == texts.count, "twice: \(place)")
        for stream in streams {
            #expect(stream.problems.isEmpty, place)
            let stored = texts.compactMap { stream.number(in: $0) }
            #expect(stored == stored.sorted(), "out of order: \(place)")
            for number in stored {
                #expect(stream.verdicts[number] != .notDone, "there in spite of the answer: \(number) \(place)")
            }
            let done = stream.verdicts.filter { $0.value == .done }.keys
            #expect(Set(done).isSubset(of: stored), "lost: \(place)")
        }
    }

    /// Sends with all streams until so many are acknowledged, then lets `fault` happen, and waits for all answers.
    private static func send(
        _ streams: [JudgedStream], to server: RunningServer, until limit: Int,
        _ fault: @escaping @Sendable () async throws -> Void
    ) async throws {
        let (reached, continuation) = AsyncStream.makeStream(of: Void.self)
        let count = Tally()
        let url = server.url
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stream in streams {
                group.addTask {
                    try await stream.send(to: url) {
                        if count.increment() == limit { continuation.finish() }
                    }
                }
            }
            for await _ in reached {}
            try await fault()
            try await group.waitForAll()
        }
    }

    @Test func everyAnswerIsTrueWhenPostgreSQLIsKilledUnderLoad() async throws {
        try await Program.with { program in
            program["PARLEY_SERVER_LIMIT_MESSAGES"] = String(Self.pageSize)
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            try await PrivatePostgres.with(program) { postgres in
                let server = try await program.startServer()
                let reader = try await Person("reader", on: server)
                let flow = try await reader.makeFlow()
                let streams = try await Self.makeStreams(on: server, flow: flow)

                for round in 1...4 {
                    // Once it comes back at once, once only after every answer.
                    let staysAway = round == 2
                    try await Self.send(streams, to: server, until: 100 * round) {
                        try await postgres.killAll()
                        if staysAway { return }
                        try await postgres.start()
                        for stream in streams { stream.end() }
                    }
                    if staysAway { try await postgres.start() }
                    // The server finds it again by itself.
                    while try await reader.say("round \(round)", in: flow) != 200 {}
                    // Readers have connections, and pauses between attempts, of their own.
                    var log: [MessageObject]?
                    while log == nil { log = try? await reader.messages(of: flow, pageSize: Self.pageSize) }
                    Self.check(streams, against: try #require(log), "round \(round)")
                }
                await server.stop()
            }
        }
    }

    @Test func whatHangsIsAnsweredAndGoesOn() async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            try await PrivatePostgres.with(program) { postgres in
                let server = try await program.startServer()
                let alice = try await Person("alice", on: server)
                let flow = try await alice.makeFlow()
                #expect(try await alice.say("before", in: flow) == 200)

                try await postgres.halt()
                let code = try await alice.say("during", in: flow)
                try await postgres.resume()

                #expect(code == 503 || code == 504)
                while try await alice.say("after", in: flow) != 200 {}
                let texts = try await alice.messages(of: flow).map { $0.text?.string }
                #expect(texts == ["before", "after"] || code == 504 && texts == ["before", "during", "after"])
                await server.stop()
            }
        }
    }

    @Test func theServerStopsInTimeWhilePostgreSQLHangs() async throws {
        try await Program.with { program in
            try await PrivatePostgres.with(program) { postgres in
                let server = try await program.startServer()
                let alice = try await Person("alice", on: server)
                let flow = try await alice.makeFlow()
                try await postgres.halt()
                async let code = try? alice.say("during", in: flow)

                let start = ContinuousClock.now
                server.process.send(SIGTERM)
                let ending = await server.process.ended()

                // Twice the time that it has: whatever hangs, PostgreSQL is still halted.
                #expect(ContinuousClock.now - start < .seconds(20))
                #expect(ending == .exited(0) || ending == .exited(1))
                #expect(await code != 200)
                let command = try await program.manage("user", "list")
                Self.expectOneSentence(command, status: 69, naming: "cannot be reached")
                try await postgres.resume()
            }
        }
    }

    /// A statement that would hang for longer than a stop may take.
    @Test func aStopThatHangsIsCutOff() async throws {
        try await Program.with { program in
            try await PrivatePostgres.with(program) { postgres in
                program["PARLEY_DATABASE_BUSY_TIMEOUT"] = "5m"
                let server = try await program.startServer()
                let alice = try await Person("alice", on: server)
                let flow = try await alice.makeFlow()
                try await postgres.halt()
                async let code = try? alice.say(String(repeating: "x", count: 10_000), in: flow)
                // A message that comes after the signal is refused, and nothing would hang.
                while try await Scrape(server)("parley_inbound_bytes") ?? 0 < 10_000 {}

                let start = ContinuousClock.now
                server.process.send(SIGTERM)

                #expect(await server.process.ended() == .exited(1))
                // The server's own words are exact; the clock here is slow on a busy machine.
                let errors = server.process.errors.text
                #expect(errors.contains("The server has not stopped in time"))
                #expect(errors.contains("timeout=\"10.0 seconds\""), "\(errors.suffix(1000))")
                let duration = ContinuousClock.now - start
                #expect(duration >= .seconds(9) && duration < .seconds(30))
                #expect(await code != 200)
                try await postgres.resume()
            }
        }
    }

    @Test func anEmptyDatabaseIsToldAtOnce() async throws {
        try await Program.with { program in
            try await PrivatePostgres.with(program, isEmpty: true) { _ in
                let start = ContinuousClock.now
                let status = try await program.manage("db", "status")
                #expect(status.ending == .exited(0), "\(status.errors)")
                #expect(status.output.contains("manage db create"))
                for words in [["doctor"], ["config", "check"]] {
                    let result = try await program.run([Program.path] + words)
                    #expect(result.ending == .exited(3), "\(result.errors)")
                    #expect(result.output.contains("has no tables yet"))
                    #expect(result.output.contains("manage db create"))
                    #expect(result.errors == "")
                }
                for words in [["user", "list"], ["runserver"]] {
                    let result = try await program.run([Program.path] + words)
                    Self.expectOneSentence(result, status: 69, naming: "manage db create")
                }
                // Five commands: each hung for ten minutes.
                #expect(ContinuousClock.now - start < .seconds(120))
            }
        }
    }

    @Test func aServerThatIsDownIsOneSentence() async throws {
        try await Program.with { program in
            program["PARLEY_DATABASE_URI"] = "postgres://someone:hidden@127.0.0.1:1/parley"
            for words in [
                ["user", "list"], ["db", "status"], ["db", "create"], ["db", "migrate"], ["flow", "list"],
                ["runserver"], ["balancer"],
            ] {
                let result = try await program.run([Program.path] + words)
                Self.expectOneSentence(result, status: 69, naming: "127.0.0.1:1")
            }
            for words in [["doctor"], ["config", "check"]] {
                let result = try await program.run([Program.path] + words)
                #expect(result.ending == .exited(3))
                #expect(result.output.contains("127.0.0.1:1") && result.errors == "")
                Self.expectNoInnards(result)
            }
        }
    }

    private static func expectOneSentence(_ result: Program.Result, status: Int32, naming name: String) {
        #expect(result.ending == .exited(status), "\(result.errors)")
        #expect(result.output == "")
        let lines = result.errors.split(separator: "\n")
        #expect(result.errorLines.count == 1 && lines.last?.hasPrefix("Error: ") == true, "\(result.errors)")
        #expect(result.errors.contains(name), "\(result.errors)")
        expectNoInnards(result)
    }

    private static func expectNoInnards(_ result: Program.Result) {
        for word in ["Error(", ".swift", "libpq", "could not connect", "hidden", "Optional("] {
            #expect(!(result.output + result.errors).contains(word), "\(result.output + result.errors)")
        }
    }
}

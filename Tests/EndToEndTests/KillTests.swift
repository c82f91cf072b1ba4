// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import MTP
import TestSupport
import Testing

/// Acknowledged means durable: the server is killed in the middle of a stream of sends, again and again.
@Suite(.timeLimit(.minutes(10)))
struct KillTests {
    private static let kills = 20
    private static let senders = 6
    private static let depth = 8
    private static let pageSize = 1000

    @Test(arguments: Engine.available)
    func everyAcknowledgedMessageSurvivesEachKillOnceAndInOrder(engine: Engine) async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            program["PARLEY_SERVER_LIMIT_MESSAGES"] = String(Self.pageSize)
            try await engine.prepare(program) {
                var server = try await program.startServer()
                let reader = try await Person("reader", on: server)
                let flow = try await reader.makeFlow()
                var streams: [SendStream] = []
                for index in 0..<Self.senders {
                    let person = try await Person("sender\(index)", on: server)
                    streams.append(
                        SendStream(
                            name: "sender\(index)", credentials: person.credentials, flow: flow, depth: Self.depth))
                }
                var log: [MessageObject] = []
                var total = 0

                for round in 1...Self.kills {
                    let limit = Int.random(in: 1...400)
                    total += limit
                    await Self.send(streams, to: server, killAfter: limit)
                    let ending = await server.process.ended()
                    #expect(ending == .killed(signal: SIGKILL))

                    server = try await program.startServer()
                    let returned = try await Person(reader.credentials, on: server)
                    log += try await returned.messages(of: flow, from: log.count, pageSize: Self.pageSize)
                    for stream in streams { Self.check(stream, against: log, round: round) }
                    #expect(streams.reduce(0) { $0 + $1.acknowledged.count } >= total)
                }

                let returned = try await Person(reader.credentials, on: server)
                let whole = try await returned.messages(of: flow, pageSize: Self.pageSize)
                #expect(whole.map(\.uuid) == log.map(\.uuid))
                #expect(whole.map(\.text) == log.map(\.text))
                #expect(Set(whole.map(\.uuid)).count == whole.count)
                let own = streams.reduce(0) { $0 + $1.acknowledged.count + $1.unacknowledged.count }
                #expect(whole.count <= own)
                await server.stop()
            }
        }
    }

    /// All streams send until the server has acknowledged so many messages, and dies of it.
    private static func send(_ streams: [SendStream], to server: RunningServer, killAfter limit: Int) async {
        let count = Tally()
        let process = server.process
        let url = server.url
        await withThrowingTaskGroup(of: Void.self) { group in
            for stream in streams {
                group.addTask {
                    try await stream.send(to: url) {
                        if count.increment() == limit { process.send(SIGKILL) }
                    }
                }
            }
            // A stream that could not connect any more has sent nothing.
            while let result = await group.nextResult() { _ = result }
        }
    }

    /// Holds what a sender knows against the flow's messages.
    private static func check(_ stream: SendStream, against log: [MessageObject], round: Int) {
        let place: Comment = "\(stream.name) after kill \(round)"
        let stored = log.compactMap { message in
            message.text.flatMap { stream.number(in: $0.string) }.map {
                SendStream.Acknowledgement(number: $0, uuid: message.uuid?.description ?? "")
            }
        }
        let numbers = stored.map(\.number)
        let acknowledged = stream.acknowledged
        let acknowledgedNumbers = Set(acknowledged.map(\.number))

        #expect(stream.problems.isEmpty, place)
        #expect(Set(numbers).count == numbers.count, "twice: \(place)")
        #expect(numbers == numbers.sorted(), "out of order: \(place)")
        #expect(stored.filter { acknowledgedNumbers.contains($0.number) } == acknowledged, "lost: \(place)")
        #expect(
            Set(numbers).subtracting(acknowledgedNumbers).isSubset(of: stream.unacknowledged), "invented: \(place)")
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// The log's time after a clock that was far ahead, and what is found by time then.
struct LogStepTests {
    private static let year: Int64 = 365 * 86_400_000

    @Test(arguments: StorageKind.available)
    func aClockThatWasFarAheadIsFollowedBack(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let other = try await test.createFlow(owner: alice)
            var sent: [Receipt<Int64>] = []
            func send(after step: Int64) async throws {
                test.clock.advance(milliseconds: step)
                sent.append(try await test.send("\(sent.count)", from: alice, to: flow))
                try await test.send("beside", from: alice, to: other)
            }
            for step in [1000, 1000, Self.year, 1000, 1000 - Self.year, 1000, 1000] { try await send(after: step) }

            let start = sent[0].time.milliseconds
            let times = sent.map { $0.time.milliseconds - start }
            #expect(times == [0, 1000, Self.year + 1000, Self.year + 2000, 3000, 4000, 5000])

            // Whoever asks since a time misses nothing of that time or later, and gets nothing twice that was before.
            for (index, message) in sent.enumerated() {
                let cursor = try await test.storage.cursor(before: message.time)
                #expect(cursor < message.position)
                let number = try await test.storage.number(
                    ofFirstMessageIn: flow, atOrAfter: message.time, count: Int64(sent.count))
                #expect(number == Int64(min(index, index > 3 ? 2 : index)))
            }
            func numbers(_ comparison: TimeComparison, _ time: Timestamp) async throws -> [Int64] {
                try await test.storage.messages(sent: comparison, time, in: flow, limit: 100).messages.map(\.number)
            }
            #expect(try await numbers(.exactly, sent[4].time) == [4])
            #expect(try await numbers(.atOrBefore, sent[4].time) == [0, 1, 4])
            #expect(try await numbers(.atOrAfter, sent[4].time) == [2, 3, 4, 5, 6])
            #expect(try await numbers(.atOrAfter, sent[3].time) == [3])
            #expect(try await numbers(.exactly, sent[2].time) == [2])
            #expect(try await numbers(.atOrBefore, sent[1].time) == [0, 1])
        }
    }

    @Test(arguments: StorageKind.available)
    func pagesOfWholeSecondsEndAfterAStep(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let start = try await test.storage.head()
            for (number, step) in [1000, Self.year, 1, 1000 - Self.year, 1, 1000].enumerated() {
                test.clock.advance(milliseconds: step)
                try await test.send("\(number)", from: alice, to: flow)
            }

            var texts: [[String?]] = []
            var cursor = start
            while true {
                let page = try await test.storage.updates(for: alice, after: cursor, limit: 1, wholeSeconds: true)
                texts.append(page.messages.map(\.text))
                cursor = page.cursor
                if !page.isCut { break }
            }

            #expect(texts.flatMap { $0 } == (0..<6).map { "\($0)" })
            #expect(texts.allSatisfy { !$0.isEmpty })
        }
    }

    /// Again after an hour, and at once when the clock is earlier than at the last step.
    @Test(arguments: StorageKind.available)
    func theNextJumpIsFollowedBackToo(kind: StorageKind) async throws {
        let (hour, day): (Int64, Int64) = (3_600_000, 86_400_000)
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let start = test.clock.now.milliseconds
            let clock = [0, day, 1000, day, 2000, hour, hour + 1000, hour + 2000, -day, 1000 - day]

            var times: [Int64] = []
            for time in clock {
                test.clock.advance(milliseconds: start + time - test.clock.now.milliseconds)
                times.append(try await test.send("\(time)", from: alice, to: flow).time.milliseconds - start)
            }

            #expect(times == [0, day, 1000, day, day, day, hour + 1000, hour + 2000, -day, 1000 - day])
        }
    }

    /// A batch in which everything is refused moves the log's time and no position: another step comes at the same
    /// place.
    @Test(arguments: StorageKind.available)
    func aStepWithoutAnEventDoesNotStopTheNext(kind: StorageKind) async throws {
        let day: Int64 = 86_400_000
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let start = test.clock.now.milliseconds
            test.clock.advance(milliseconds: 2 * day)
            let ahead = try await test.send("ahead", from: alice, to: flow)

            test.clock.advance(milliseconds: -day)
            let edit = Write.EditMessage(
                flow: flow, message: Position(1_000_000), content: StorageUnderTest.content("edited"))
            let refusal = try await test.refusal(of: edit, by: alice)
            #expect(refusal != nil)
            test.clock.advance(milliseconds: -day)
            let sent = try await test.send("after", from: alice, to: flow)

            #expect(sent.time.milliseconds == start)
            #expect(try await test.storage.cursor(before: ahead.time) < ahead.position)
            #expect(try await test.storage.cursor(before: sent.time) < sent.position)
        }
    }

    /// Two servers whose clocks differ by an hour write in turn.
    @Test(arguments: StorageKind.available)
    func clocksFarApartDoNotStepInTurn(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            for number in 0..<20 {
                test.clock.advance(milliseconds: number % 2 == 0 ? 3_600_000 : -3_600_000 + 10)
                try await test.send("\(number)", from: alice, to: flow)
            }

            let steps = try await test.storage.engine.read { connection in
                try connection.rows("SELECT count(*) FROM log_steps")
            }
            #expect(steps == [[.int(1)]])
            let messages = try await test.storage.messages(limit: 100).messages
            // After the one step the log follows the clock that is ahead.
            #expect(zip(messages, messages.dropFirst()).count { $1.time < $0.time } == 1)
        }
    }
}

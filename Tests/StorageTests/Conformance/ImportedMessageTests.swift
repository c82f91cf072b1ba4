// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// Messages of another server, which keep the times that they had there.
struct ImportedMessageTests {
    private static let year: Int64 = 365 * 86_400_000

    private func message(_ number: Int, of author: UserID, in flow: FlowID, at time: Int64) -> ImportedMessage {
        ImportedMessage(
            uuid: Identifier(UInt128(1000 + number)), flow: flow, author: author, time: Timestamp(milliseconds: time),
            content: Array(#"{"text":"old \#(number)"}"#.utf8), blobs: [])
    }

    private func steps(_ test: StorageUnderTest) async throws -> [SQLRow] {
        try await test.storage.engine.read { connection in
            try connection.rows("SELECT before_ms, after_ms FROM log_steps ORDER BY position")
        }
    }

    @Test(arguments: StorageKind.available)
    func olderOnesAreOneStretchInWhichTimeBeginsAgain(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            let before = try await test.send("before", from: alice, to: flow)
            let start = before.time.milliseconds
            let old = start - Self.year

            // The newer one comes first; of the same time they stay in their order.
            try await test.done(
                Write.ImportMessages([
                    message(3, of: alice, in: flow, at: old + 5000), message(1, of: alice, in: flow, at: old),
                    message(2, of: bob, in: flow, at: old),
                ]))
            test.clock.advance(milliseconds: 1000)
            let after = try await test.send("after", from: bob, to: flow)

            let messages = try await test.storage.messages(limit: 100).messages
            #expect(messages.map(\.text) == ["before", "old 1", "old 2", "old 3", "after"])
            #expect(messages.map { $0.time.milliseconds } == [start, old, old, old + 5000, start + 1000])
            #expect(messages.map(\.number) == [0, 1, 2, 3, 4])
            #expect(messages.map(\.sender) == [alice, alice, bob, alice, bob])
            #expect(try await steps(test) == [[.int(start), .int(old)]])

            // What was said since a time is found on both sides of the step.
            func numbers(_ comparison: TimeComparison, _ time: Int64) async throws -> [Int64] {
                try await test.storage.messages(
                    sent: comparison, Timestamp(milliseconds: time), in: flow, limit: 100
                ).messages.map(\.number)
            }
            #expect(try await numbers(.exactly, old) == [1, 2])
            #expect(try await numbers(.atOrBefore, old + 5000) == [1, 2, 3])
            #expect(try await numbers(.atOrAfter, after.time.milliseconds) == [4])
            #expect(try await test.storage.cursor(before: before.time) < before.position)
        }
    }

    @Test(arguments: StorageKind.available)
    func newerOnesNeedNoStep(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let before = try await test.send("before", from: alice, to: flow)
            test.clock.advance(milliseconds: 10_000)

            let time = before.time.milliseconds + 5000
            try await test.done(Write.ImportMessages([message(1, of: alice, in: flow, at: time)]))

            #expect(try await test.storage.messages(limit: 100).messages.last?.time.milliseconds == time)
            #expect(try await steps(test) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func oneInAFlowThatIsGoneRefusesAllOfThem(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)

            let refusal = try await test.refusal(
                of: Write.ImportMessages([
                    message(1, of: alice, in: flow, at: 1), message(2, of: alice, in: FlowID(999), at: 1),
                ]))

            #expect(refusal == .noSuchFlow)
            #expect(try await test.storage.messages(limit: 100).messages.isEmpty)
            #expect(try await steps(test) == [])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import JSON
import Storage
import TestSupport
import Testing

@testable import Chat

/// What the messages of an account take: only what is stored counts, and all of that.
@Suite(.timeLimit(.minutes(10))) struct StoredBytesTests {
    private static let long = String(repeating: "x", count: 4000)
    private static let executor = globalConcurrentExecutor

    private static var policy: ChatPolicy {
        var policy = ChatPolicy()
        policy.rates.bytes = 10_000
        return policy
    }

    /// Submits a message as a connection does, and waits for what becomes of it.
    private static func outcome(
        _ text: String, to flow: FlowAccess, by author: Principal, atOnce: Bool, on chat: Chat
    ) async throws -> MessageOutcome {
        let (outcomes, source) = AsyncStream.makeStream(of: MessageOutcome.self)
        let content = MessageContent(text: text)
        if atOnce {
            let isSubmitted = try chat.submitAtOnce(
                content, as: chat.newMessageIdentifier(), to: flow, by: author, on: executor
            ) { source.yield($0) }
            #expect(isSubmitted)
        } else {
            try await chat.submit(content, as: chat.count(messageBy: author), to: flow, on: executor) {
                source.yield($0)
            }
        }
        return try #require(await outcomes.first { _ in true })
    }

    @Test(arguments: [false, true]) func aMessageThatTheStoreRefusedTakesNoRoom(atOnce: Bool) async throws {
        try await ChatUnderTest.with(policy: Self.policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.chat.flow(test.createFlow(members: [alice], by: alice), for: alice)
            let before = try await test.chat.storedBytes(of: alice.user)

            for _ in 0..<5 {
                // The batch, and the message by itself.
                test.engine.fail(with: [.failBefore(.full), .failBefore(.full)])
                let outcome = try await Self.outcome(Self.long, to: flow, by: alice, atOnce: atOnce, on: test.chat)
                guard case .failure = outcome else { throw Accepted() }
                test.engine.fail(with: [])
            }

            #expect(try await test.chat.storedBytes(of: alice.user) == before)
            for _ in 0..<2 { try await test.send(Self.long, to: flow.uuid, by: alice) }
        }
    }

    @Test func aMessageForWhichTheWriterHasNoRoomTakesNone() async throws {
        var limits = BatchWriter.Limits()
        limits.maximumWaitingWrites = 1
        try await ChatUnderTest.with(policy: Self.policy, limits: limits) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.chat.flow(test.createFlow(members: [alice], by: alice), for: alice)
            let before = try await test.chat.storedBytes(of: alice.user)
            test.engine.hold()
            // One that is being written, and one that waits.
            async let first = Self.outcome("1", to: flow, by: alice, atOnce: true, on: test.chat)
            await test.engine.writeIsHeld()
            async let second = Self.outcome("2", to: flow, by: alice, atOnce: true, on: test.chat)
            while test.chat.waitingWrites == 0 { await Task.yield() }

            await #expect(throws: ChatError.busy) {
                _ = try await Self.outcome(Self.long, to: flow, by: alice, atOnce: true, on: test.chat)
            }
            await #expect(throws: ChatError.busy) {
                _ = try await Self.outcome(Self.long, to: flow, by: alice, atOnce: false, on: test.chat)
            }

            test.engine.release()
            _ = try await first.get()
            _ = try await second.get()
            #expect(try await test.chat.storedBytes(of: alice.user) < before + 100)
        }
    }

    /// Nobody knows whether it is in the log.
    @Test func aMessageThatMayBeStoredKeepsItsRoom() async throws {
        try await ChatUnderTest.with(policy: Self.policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            try await test.send(Self.long, to: flow, by: alice)
            let taken = try await test.chat.storedBytes(of: alice.user)

            test.chat.refund(4000, to: alice, after: .outcomeUnknown)

            #expect(try await test.chat.storedBytes(of: alice.user) == taken)
        }
    }

    /// A large file goes ahead of its message, which is not in the log whatever became of the file.
    @Test(arguments: [HeldEngine.Fault.undo(.commitUnknown), .failBefore(.full)])
    func aMessageWhoseFileMayBeStoredTakesNoRoom(fault: HeldEngine.Fault) async throws {
        var policy = Self.policy
        policy.rates.bytes = 1 << 20
        try await ChatUnderTest.with(policy: policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            let sent = try await test.send(Self.long, to: flow, by: alice)
            let before = try await test.chat.storedBytes(of: alice.user)
            let picture = JSONText(String(repeating: "a", count: Blobs.maximumInBatchBytes + 1))
            let content = MessageContent(text: "see", files: [.picture: picture])

            // What was counted may be saved in the meantime, which fails, too.
            test.engine.fail(with: Array(repeating: fault, count: 1000))
            for _ in 0..<4 {
                await #expect(throws: ChatError.storageUnavailable) {
                    try await test.send(content, to: flow, by: alice)
                }
                await #expect(throws: ChatError.storageUnavailable) {
                    try await test.chat.edit(sent.uuid, text: nil, files: content.files, by: alice)
                }
            }
            test.engine.fail(with: [])

            #expect(try await test.chat.storedBytes(of: alice.user) == before)
            _ = try await test.send(content, to: flow, by: alice)
            let after = try await test.chat.storedBytes(of: alice.user)
            #expect(after > before + Int64(Blobs.maximumInBatchBytes))
        }
    }

    /// A sum whose COMMIT got no answer is neither added twice nor lost, however long the store does not say.
    @Test(arguments: [
        [HeldEngine.Fault.failAfter(.commitUnknown)], [.undo(.commitUnknown)], [.failBefore(.unavailable)],
        [.failAfter(.commitUnknown), .failBefore(.unavailable), .failAfter(.commitUnknown)],
        [.undo(.commitUnknown), .failBefore(.unavailable), .undo(.commitUnknown)],
    ])
    func whatMayBeSavedIsAddedOnce(faults: [HeldEngine.Fault]) async throws {
        try await ChatUnderTest.with(policy: Self.policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            try await test.send(Self.long, to: flow, by: alice)
            let taken = try await test.chat.storedBytes(of: alice.user)

            test.engine.fail(with: faults)
            for _ in faults { await test.chat.storedBytes.save() }
            test.chat.storedBytes.add(7, of: alice.user)
            test.engine.fail(with: [])
            await test.chat.storedBytes.save()

            #expect(try await test.chat.storage.storedBytes(of: alice.user) == taken + 7)
            #expect(try await test.chat.storedBytes(of: alice.user) == taken + 7)
        }
    }

    @Test(arguments: StorageKind.engines) func anEditTakesRoomAndADeletionGivesAllBack(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let (alice, chat) = (people[0], test.chat)
            let flow = try await test.createFlow(members: people, by: alice)
            let sent = try await test.send(Self.long, to: flow, by: alice)
            _ = try await chat.edit(sent.uuid, text: Self.long, by: alice)
            #expect((8000...8100).contains(try await chat.storedBytes(of: alice.user)))
            let refusal = ChatError.notAllowed(
                "The messages of this account take all the room that they may. Delete some.")
            await #expect(throws: refusal) { try await chat.edit(sent.uuid, text: Self.long, by: alice) }
            // Refused by the store: another's rights are read there once more.
            let full = try await chat.storedBytes(of: alice.user)
            test.engine.fail(with: [.failBefore(.full), .failBefore(.full)])
            await #expect(throws: ChatError.self) { try await chat.edit(sent.uuid, text: "short", by: alice) }
            test.engine.fail(with: [])
            #expect(try await chat.storedBytes(of: alice.user) == full)

            _ = try await chat.delete(sent.uuid, in: flow, by: alice)

            #expect(try await chat.storedBytes(of: alice.user) == 0)
        }
    }

    @Test(arguments: StorageKind.engines) func filesAndEncryptedPartsAreGivenBack(on kind: StorageKind) async throws {
        var policy = Self.policy
        policy.rates.bytes = 1 << 20
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let (alice, chat) = (people[0], test.chat)
            let flow = try await test.createFlow(members: people, by: alice)
            let access = try await chat.flow(flow, for: alice)
            func picture(_ letter: String) -> MessageContent {
                MessageContent(text: "see", files: [.picture: JSONText(String(repeating: letter, count: 100_000))])
            }
            let sent = try await test.send(picture("a"), to: flow, by: alice)
            let before = try await chat.storedBytes(of: alice.user)
            #expect(before > 100_000)

            // The first picture is stored no more.
            _ = try await chat.edit(sent.uuid, text: nil, files: picture("b").files, by: alice)
            #expect((before..<before + 1000).contains(try await chat.storedBytes(of: alice.user)))
            _ = try await chat.delete(sent.uuid, in: flow, by: alice)
            #expect(try await chat.storedBytes(of: alice.user) == 0)

            let secret = try await chat.submit(
                MessageContent(text: "sealed"),
                bodies: [NewBody(recipient: people[1].user, body: Array(repeating: 7, count: 5000), key: [1])],
                to: access, by: alice)
            _ = try await chat.receipt(of: secret)
            #expect(try await chat.storedBytes(of: alice.user) > 5000)
            _ = try await chat.delete(secret.uuid, in: flow, by: alice)
            #expect(try await chat.storedBytes(of: alice.user) == 0)
        }
    }

    @Test(arguments: StorageKind.engines) func editsAtTheSameTimeGiveAFileBackOnce(on kind: StorageKind) async throws {
        var policy = Self.policy
        policy.rates.bytes = 1 << 20
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let (alice, chat) = (people[0], test.chat)
            let flow = try await test.createFlow(members: people, by: alice)
            try await test.send(Self.long, to: flow, by: alice)
            let picture = [MessageContent.File.picture: JSONText(String(repeating: "a", count: 100_000))]
            let sent = try await test.send(MessageContent(text: "see", files: picture), to: flow, by: alice)
            let before = try await chat.storedBytes(of: alice.user)

            // All have seen the picture when the first of them is written.
            test.engine.hold()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await test.send("held", to: flow, by: people[1]) }
                await test.engine.writeIsHeld()
                for _ in 0..<3 {
                    group.addTask { _ = try await chat.edit(sent.uuid, text: nil, files: [.picture: ""], by: alice) }
                }
                while chat.waitingWrites < 3 { await Task.yield() }
                test.engine.release()
                try await group.waitForAll()
            }

            let after = try await chat.storedBytes(of: alice.user)
            #expect((before - 100_000..<before - 98_000).contains(after))
        }
    }

    private struct Accepted: Error {}
}

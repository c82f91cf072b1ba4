// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Storage
import Testing

/// Messages that are older than the type of their flow is kept.
@Suite(.timeLimit(.minutes(10))) struct MessageExpiryTests {
    private static let day = Duration.seconds(86_400)
    private static let dayMilliseconds: Int64 = 86_400_000

    private func expire(
        _ chat: Chat, keeping ages: [FlowRecord.Kind: Duration], isTrial: Bool = false
    ) async throws -> [FlowRecord.Kind: MessageExpiry.Found] {
        var expiry = try await MessageExpiry(of: chat, keeping: ages, isTrial: isTrial)
        while try await expiry.step() {}
        return expiry.found
    }

    @Test(arguments: StorageKind.engines)
    func oldMessagesOfOneTypeGoAndTheOthersStay(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let group = try await test.createFlow(members: people, by: people[0])
            let channel = try await test.createFlow(.channel, members: people, by: people[0])
            for flow in [group, channel] {
                for number in 0..<3 { try await test.send("old \(number)", to: flow, by: people[0]) }
            }
            test.wallClock.advance(milliseconds: Self.dayMilliseconds + 1)
            for flow in [group, channel] { try await test.send("young", to: flow, by: people[0]) }

            let counted = try await expire(test.chat, keeping: [.group: Self.day], isTrial: true)
            #expect(try await test.texts(in: group, for: people[1]) == ["old 0", "old 1", "old 2", "young"])
            let erased = try await expire(test.chat, keeping: [.group: Self.day])

            #expect(counted == erased && erased.count == 1 && erased[.group]?.messages == 3)
            let gone = Message.deletedText
            #expect(try await test.texts(in: group, for: people[1]) == [gone, gone, gone, "young"])
            #expect(try await test.messages(in: group, for: people[1]).map(\.number) == [0, 1, 2, 3])
            #expect(try await test.texts(in: channel, for: people[1]) == ["old 0", "old 1", "old 2", "young"])
            #expect(try await expire(test.chat, keeping: [.group: Self.day]).isEmpty)
            #expect(try await expire(test.chat, keeping: [:]).isEmpty)
            // The numbers go on.
            #expect(try await test.send("next", to: group, by: people[1]).receipt.number == 4)
        }
    }

    /// No commit waits for more than a small batch, and what an interruption leaves is found by the next one.
    @Test(arguments: StorageKind.engines)
    func aBigRoomGoesInBatchesAndAfterAnInterruption(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let room = try await test.chat.readableFlow(flow, for: alice).access.id
            let content = MessageContent(text: "old")
            let count = 6000
            for _ in 0..<count / 1000 {
                let writes = (0..<1000).map { _ in
                    Write(
                        Write.SendMessage(flow: room, content: Array(#"{"text":"old"}"#.utf8), blobs: []),
                        by: WriteOrigin(uuid: test.chat.newMessageIdentifier(), author: alice.user))
                }
                _ = try await test.direct.commit(writes)
            }
            test.wallClock.advance(milliseconds: 2 * Self.dayMilliseconds)
            try await test.send(content, to: flow, by: alice)
            let before = try await test.storage.head()

            var first = try await MessageExpiry(of: test.chat, keeping: [.group: Self.day])
            #expect(try await first.step())
            // The server ends here.
            let part = try #require(first.found[.group]?.messages)
            #expect(part > 1000 && part < Int64(count))
            let rest = try await expire(test.chat, keeping: [.group: Self.day])

            #expect(part + (rest[.group]?.messages ?? 0) == Int64(count))
            let events = try await test.storage.events(after: before, limit: 10_000)
            #expect(events.allSatisfy { $0.kind == .deletion })
            #expect(events.count >= count / 200 && events.count < count / 100)
            let found = try await test.storage.messages(in: room, numbers: 0..<Int64(count) + 1).messages
            #expect(found.count == count + 1)
            #expect(found.dropLast().allSatisfy { if case .deleted = $0.change { true } else { false } })
            #expect(found.last?.change == nil)
        }
    }

    /// Accounts get the room back that their messages took.
    @Test func roomIsGivenBack() async throws {
        var policy = ChatPolicy()
        policy.rates.bytes = 10_000
        try await ChatUnderTest.with(policy: policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            try await test.send(String(repeating: "x", count: 6000), to: flow, by: alice)
            let text = String(repeating: "y", count: 6000)
            await #expect(throws: ChatError.self) { try await test.send(text, to: flow, by: alice) }
            test.wallClock.advance(milliseconds: 2 * Self.dayMilliseconds)

            _ = try await expire(test.chat, keeping: [.group: Self.day])

            #expect(try await test.chat.storedBytes(of: alice.user) == 0)
            try await test.send(text, to: flow, by: alice)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Many at once: order, numbers, and rights that change meanwhile.
@Suite(.timeLimit(.minutes(10))) struct ManyPeopleTests {
    private static let people = 16
    private static let messagesEach = 30

    @Test(arguments: StorageKind.available) func manySendersLeaveNoGapAndNothingTwice(on kind: StorageKind) async throws
    {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            var senders: [Principal] = []
            for number in 0..<Self.people { senders.append(try await test.register("sender \(number)").principal) }
            let start = try await test.chat.head()

            let sent = try await withThrowingTaskGroup(of: [Sent].self) { group in
                for (index, sender) in senders.enumerated() {
                    group.addTask {
                        // All of one sender's at once: they must stay in order.
                        var pending: [PendingMessage] = []
                        for number in 0..<Self.messagesEach {
                            let content = MessageContent(text: "\(index)/\(number)")
                            pending.append(try await test.chat.submit(content, to: flow, by: sender))
                        }
                        var sent: [Sent] = []
                        for message in pending {
                            sent.append(Sent(uuid: message.uuid, receipt: try await test.chat.receipt(of: message)))
                        }
                        return sent
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            let count = Self.people * Self.messagesEach
            #expect(sent.compactMap(\.receipt.number).sorted() == Array(0..<Int64(count)))
            let messages = try await test.messages(in: flow, limit: count, for: alice)
            #expect(messages.map(\.number) == Array(0..<Int64(count)))
            let uuidsByNumber = sent.sorted { $0.receipt.position < $1.receipt.position }.map(\.uuid)
            #expect(messages.map(\.uuid) == uuidsByNumber)
            for (index, sender) in senders.enumerated() {
                let own = messages.filter { $0.sender == sender.uuid }.map(\.content.text)
                #expect(own == (0..<Self.messagesEach).map { "\(index)/\($0)" })
            }
            let updates = try await test.chat.updates(for: alice, after: start, limit: count + 1)
            #expect(updates.messages.map(\.uuid) == uuidsByNumber)
        }
    }

    @Test(arguments: StorageKind.available) func whoFollowsByCursorMissesNothing(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let flow = try await test.createFlow(members: people, by: people[0])
            let start = try await test.chat.head()
            let count = 200

            let followed = try await withThrowingTaskGroup(of: [String].self) { group in
                for sender in people.prefix(2) {
                    group.addTask {
                        for number in 0..<count { try await test.send("\(number)", to: flow, by: sender) }
                        return []
                    }
                }
                group.addTask {
                    var cursor = start
                    var texts: [String] = []
                    // Every look is work for the database: no turn is lost by looking again.
                    while texts.count < 2 * count {
                        let page = try await test.chat.updates(for: people[2], after: cursor, limit: 17)
                        #expect(page.cursor >= cursor)
                        cursor = page.cursor
                        texts += page.messages.map { "\($0.number)" }
                    }
                    return texts
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            #expect(followed == (0..<2 * count).map { "\($0)" })
        }
    }

    /// Rights are checked again under the lock of the log: nothing slips in between.
    @Test(arguments: StorageKind.available) func whoIsRemovedWritesNothingAfterwards(on kind: StorageKind) async throws
    {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: [people[1]], by: people[0])
            let id = try #require(try await test.storage.flow(uuid: flow)).id
            try await test.send("first", to: flow, by: people[1])

            let (removal, refusal) = try await withThrowingTaskGroup(of: (Position?, ChatError?).self) { group in
                group.addTask {
                    // Until refused: by the cache, or by the log.
                    while true {
                        do {
                            try await test.send("more", to: flow, by: people[1])
                        } catch let error as ChatError {
                            return (nil, error)
                        }
                    }
                }
                group.addTask {
                    for number in 0..<20 { try await test.send("\(number)", to: flow, by: people[0]) }
                    let receipt = try await test.chat.write(Write.RemoveMember(id, people[1].user), by: nil)
                    await #expect(throws: ChatError.noSuchFlow) {
                        try await test.send("after the answer", to: flow, by: people[1])
                    }
                    return (receipt.position, nil)
                }
                var removal: Position?
                var refusal: ChatError?
                for try await (position, error) in group {
                    removal = removal ?? position
                    refusal = refusal ?? error
                }
                return (removal, refusal)
            }

            #expect(refusal == .noSuchFlow)
            let end = try #require(removal)
            let events = try await test.storage.events(after: end, limit: 1000)
            #expect(!events.contains { $0.sender == people[1].user && $0.kind == .message })
        }
    }

    @Test(arguments: StorageKind.available) func aTokenIsDeadOnceItsRevocationIsAnswered(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            try await test.register("alice")
            for _ in 0..<10 {
                let logIn = try await test.logIn("alice")
                let token = TokenHash(of: logIn.token)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            // Readers that fill the cache while the revocation empties it.
                            while (try? await chat.principal(uuid: logIn.principal.uuid, token: token)) != nil {
                                await Task.yield()
                            }
                        }
                    }
                    _ = try await chat.write(
                        Write.RevokeSessions(logIn.principal.user, logIn.principal.session), by: nil)
                    for _ in 0..<20 {
                        await #expect(throws: ChatError.tokenRevoked) {
                            try await chat.principal(uuid: logIn.principal.uuid, token: token)
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }
}

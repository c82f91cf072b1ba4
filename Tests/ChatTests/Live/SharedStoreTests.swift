// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Testing

@testable import Chat
@testable import Storage

/// Servers that share one store: what one commits reaches the connections and caches of the other.
@Suite(.timeLimit(.minutes(10)), .enabled(if: StorageKind.available.contains(.postgres)))
struct SharedStoreTests {
    private static var policy: ChatPolicy {
        var policy = ChatPolicy()
        policy.sharesStore = true
        return policy
    }

    /// Runs `body` with two servers; connections that are attached to the second one get everything from then on.
    private static func withTwo(
        _ body: (ChatUnderTest, Chat) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with(.postgres, policy: policy) { test in
            try await test.withOtherServer(policy: policy) { other in
                let principal = try await test.register("who sees that it runs").principal
                let witness = RecordingConnection()
                other.hub.attach(witness, principal: principal, wantsNews: true)
                try await test.running(other) { other in
                    await witness.hint()
                    other.hub.detach(witness)
                    try await body(test, other)
                }
            }
        }
    }

    private static func connect(_ principal: Principal, to chat: Chat, _ sink: RecordingSink) -> RecordingConnection {
        let connection = RecordingConnection(sink, 1)
        chat.hub.attach(connection, principal: principal, wantsNews: true)
        return connection
    }

    private static func send(_ text: String, to flow: Identifier, by principal: Principal, at chat: Chat) async throws {
        _ = try await chat.receipt(of: chat.submit(MessageContent(text: text), to: flow, by: principal))
    }

    /// The texts that a sink got, once it has this many.
    private static func texts(_ count: Int, from sink: RecordingSink) async -> [String] {
        var texts: [String] = []
        while texts.count < count, let call = await sink.next() {
            if case .run(let run, _) = call { texts += run }
        }
        return texts
    }

    @Test func whatOneCommitsReachesTheConnectionsOfTheOther() async throws {
        try await Self.withTwo { test, other in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            let sinks = [RecordingSink(), RecordingSink()]
            let connections = [
                Self.connect(people[0], to: test.chat, sinks[0]), Self.connect(people[1], to: other, sinks[1]),
            ]

            try await Self.send("from here", to: flow, by: people[0], at: test.chat)
            for sink in sinks { #expect(await sink.runs(upTo: "from here") == [.run(["from here"], to: [1])]) }
            try await Self.send("from there", to: flow, by: people[1], at: other)
            for sink in sinks { #expect(await sink.runs(upTo: "from there") == [.run(["from there"], to: [1])]) }

            #expect(connections.allSatisfy { $0.hintCount == 0 })
        }
    }

    @Test func bothSeeTheSameOrderAndNothingTwice() async throws {
        let each = 60
        try await Self.withTwo { test, other in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            let sinks = [RecordingSink(), RecordingSink()]
            let connections = [
                Self.connect(people[0], to: test.chat, sinks[0]), Self.connect(people[1], to: other, sinks[1]),
            ]

            try await withThrowingTaskGroup(of: Void.self) { group in
                for (chat, principal, name) in [(test.chat, people[0], "here"), (other, people[1], "there")] {
                    group.addTask {
                        for number in 0..<each {
                            try await Self.send("\(name) \(number)", to: flow, by: principal, at: chat)
                        }
                    }
                }
                try await group.waitForAll()
            }

            let log = try await test.texts(in: flow, for: people[0])
            #expect(log.count == 2 * each || log.count == 100, "one page of the flow")
            for sink in sinks {
                let texts = await Self.texts(2 * each, from: sink)
                #expect(texts.starts(with: log))
                #expect(Set(texts).count == 2 * each)
                let positions = sink.allRuns.flatMap { $0.messages.map(\.position) }
                #expect(positions == positions.sorted())
            }
            for (chat, connection) in zip([test.chat, other], connections) { chat.hub.detach(connection) }
        }
    }

    /// Large events come in short pages; what follows them must not be passed over.
    @Test func largeBatchesArePassedOnWhole() async throws {
        let count = 300
        try await Self.withTwo { test, other in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            let id = try #require(try await test.storage.flow(uuid: flow)).id
            let sink = RecordingSink()
            let connection = Self.connect(people[1], to: other, sink)
            let padding = String(repeating: "x", count: 60_000)
            let writes = (0..<count).map { number in
                Write(
                    Write.SendMessage(
                        flow: id, content: MessageContent(text: "\(number) \(padding)").encoded().content),
                    by: WriteOrigin(uuid: test.chat.newIdentifier(), author: people[0].user))
            }

            async let own: Void = Self.send("own", to: flow, by: people[1], at: other)
            _ = try await test.direct.commit(writes)
            try await own

            let texts = await Self.texts(count + 1, from: sink).map { $0.prefix(while: { $0 != " " }) }
            #expect(texts.filter { $0 != "own" } == (0..<count).map { "\($0)" })
            #expect(texts.contains("own"))
            other.hub.detach(connection)
        }
    }

    @Test func aRevocationReachesTheOther() async throws {
        try await Self.withTwo { test, other in
            let alice = try await test.register("alice")
            let token = TokenHash(of: alice.token)
            let connection = Self.connect(alice.principal, to: other, RecordingSink())
            #expect(try await other.principal(uuid: alice.principal.uuid, token: token) == alice.principal)

            try await test.chat.logOut(alice.principal)
            await connection.revocation()

            await #expect(throws: ChatError.tokenRevoked) {
                try await other.principal(uuid: alice.principal.uuid, token: token)
            }
        }
    }

    @Test func aForeignLeaveEndsDeliveryAndReading() async throws {
        try await Self.withTwo { test, other in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(title: "group", members: [bob], by: people[0])
            let open = try await test.createFlow(by: people[0])
            let sink = RecordingSink()
            let connection = Self.connect(people[1], to: other, sink)
            // The other one remembers that he is a member.
            try await Self.send("1", to: group.uuid, by: people[1], at: other)
            #expect(await sink.runs(upTo: "1") == [.run(["1"], to: [1])])

            try await test.chat.removeMember(bob, from: group, by: people[0])
            // Writing is checked in the log itself, so at once.
            await #expect(throws: ChatError.noSuchFlow) {
                try await Self.send("refused", to: group.uuid, by: people[1], at: other)
            }
            try await test.send("2", to: group.uuid, by: people[0])
            try await test.send("3", to: open, by: people[0])

            #expect(await sink.runs(upTo: "3") == [.run(["3"], to: [1])])
            await #expect(throws: ChatError.noSuchFlow) { try await other.flow(group.uuid, for: people[1]) }
            let history = try await other.history(of: group.uuid, before: nil, limit: 10, for: people[1])
            #expect(history.map(\.message.content.text) == ["1"])
            other.hub.detach(connection)
        }
    }

    @Test func aChatMadeAnewByTheOtherIsFound() async throws {
        try await Self.withTwo { test, other in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let first = try await other.directFlow(with: bob, by: people[0])
            #expect(try await other.existingDirectFlow(with: bob, by: people[0])?.uuid == first.uuid)
            try await test.settled(at: other)
            let connection = RecordingConnection()
            other.hub.attach(connection, principal: people[0], wantsNews: true)

            _ = try await test.chat.write(Write.DeleteFlow(first.id), by: nil)
            await connection.hint()
            #expect(try await other.existingDirectFlow(with: bob, by: people[0]) == nil)
            let second = try await test.chat.directFlow(with: bob, by: people[0])

            #expect(second.uuid != first.uuid)
            #expect(try await other.existingDirectFlow(with: bob, by: people[0])?.uuid == second.uuid)
            #expect(try await other.directFlow(with: bob, by: people[0]).uuid == second.uuid)
            other.hub.detach(connection)
        }
    }

    // MARK: When nobody listens, and before the start

    @Test func aForeignJoinWhileNobodyListensHereIsKnown() async throws {
        try await Self.withTwo { test, other in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(title: "group", members: [], by: people[0])
            // The other one remembers that alice is alone there.
            let first = RecordingSink()
            let connection = Self.connect(people[0], to: other, first)
            try await test.send("alone", to: group.uuid, by: people[0])
            _ = await first.runs(upTo: "alone")
            other.hub.detach(connection)

            _ = try await test.chat.addMember(bob, to: group, by: people[0])
            try await test.settled(at: other)
            let second = RecordingSink()
            let listener = Self.connect(people[1], to: other, second)
            try await test.send("together", to: group.uuid, by: people[0])

            #expect(await second.runs(upTo: "together") == [.run(["together"], to: [1])])

            // And the other way round.
            other.hub.detach(listener)
            try await test.chat.removeMember(bob, from: group, by: people[0])
            try await test.settled(at: other)
            let open = try await test.createFlow(by: people[0])
            let third = RecordingSink()
            let last = Self.connect(people[1], to: other, third)
            try await test.send("alone again", to: group.uuid, by: people[0])
            try await test.send("for all", to: open, by: people[0])
            #expect(await third.runs(upTo: "for all") == [.run(["for all"], to: [1])])
            other.hub.detach(last)
        }
    }

    @Test func whatWasReadBeforeTheStartIsReadAgain() async throws {
        try await ChatUnderTest.with(.postgres, policy: Self.policy) { test in
            try await test.withOtherServer(policy: Self.policy) { other in
                let people = try await test.registerAll("alice", "bob")
                let bob = try await test.chat.person(login: "bob")
                let group = try await test.chat.createGroup(title: "group", members: [bob], by: people[0])
                let connection = RecordingConnection()
                // Before it follows the log, the other one remembers that bob is a member, his name and his session.
                other.hub.attach(connection, principal: people[1], wantsNews: true)
                #expect(try await other.flow(group.uuid, for: people[1]).id == group.id)
                #expect(try await other.person(bob.id).bio == "")

                try await test.chat.removeMember(bob, from: group, by: people[0])
                try await test.chat.updateProfile(of: people[1], bio: "new")
                _ = try await test.chat.write(Write.RevokeSessions(bob.id, nil), by: nil)
                try await test.running(other) { other in
                    await connection.revocation()
                    await #expect(throws: ChatError.noSuchFlow) {
                        try await other.flow(group.uuid, for: people[1])
                    }
                    let person = try await other.person(bob.id)
                    #expect(person.bio == "new")
                    other.hub.detach(connection)
                }
            }
        }
    }

    @Test func aCursorIsThereForALogInAtTheOther() async throws {
        try await Self.withTwo { test, other in
            let alice = try await test.register("alice").principal
            let connection = RecordingConnection()
            test.chat.hub.attach(connection, principal: alice, wantsNews: true)
            test.chat.cursors.note(alice.user, device: "messenger", at: Position(3))

            test.chat.hub.detach(connection)

            while try await other.startPosition(of: "messenger", for: alice) != Position(3) { await Task.yield() }
        }
    }

    // MARK: When something is cut

    @Test func withoutHintsALookAtTheLogFindsTheMessage() async throws {
        try await ChatUnderTest.with(.postgres, policy: Self.policy, hearsHints: false) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            let sink = RecordingSink()
            _ = Self.connect(people[1], to: test.chat, sink)
            try await test.send("own", to: flow, by: people[1])
            // Delivery has begun: with a hint to everybody, or before the message.
            _ = await sink.next()

            try await test.withOtherServer(policy: Self.policy) { other in
                try await test.running(other) { other in
                    try await Self.send("quiet", to: flow, by: people[0], at: other)
                    let sent = ContinuousClock.now
                    #expect(await sink.runs(upTo: "quiet").last == .run(["quiet"], to: [1]))
                    #expect(ContinuousClock.now - sent < .seconds(5))
                }
            }
        }
    }

    @Test func afterTheStoreWasOutOfReachNothingIsMissing() async throws {
        try await ChatUnderTest.with(.postgres, policy: Self.policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(title: "group", members: [bob], by: people[0])
            let sink = RecordingSink()
            _ = Self.connect(people[0], to: test.chat, sink)
            try await test.send("before", to: group.uuid, by: people[0])
            // Delivery has begun: with a hint to everybody, or before the message.
            _ = await sink.next()

            try await test.withOtherServer(policy: Self.policy) { other in
                try await test.running(other) { other in
                    test.engine.setOutOfReach(true)
                    for number in 0..<3 { try await Self.send("\(number)", to: group.uuid, by: people[1], at: other) }
                    try await other.removeMember(bob, from: group, by: people[0])
                    try await Self.send("last", to: group.uuid, by: people[0], at: other)
                    // Told that it is to look, it could not.
                    while await sink.next() != .hint([1]) {}
                    test.engine.setOutOfReach(false)

                    #expect(await Self.texts(4, from: sink) == ["0", "1", "2", "last"])
                    await #expect(throws: ChatError.noSuchFlow) {
                        try await test.chat.flow(group.uuid, for: people[1])
                    }
                }
            }
        }
    }

    @Test func whatWasDeletedBeforeItIsReadIsNotDeliveredEmpty() async throws {
        try await ChatUnderTest.with(.postgres, policy: Self.policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(title: "group", members: [bob], by: people[0])
            let sink = RecordingSink()
            _ = Self.connect(people[0], to: test.chat, sink)
            try await test.send("before", to: group.uuid, by: people[0])
            // Delivery has begun: with a hint to everybody, or before the message.
            _ = await sink.next()

            try await test.withOtherServer(policy: Self.policy) { other in
                try await test.running(other) { other in
                    test.engine.setOutOfReach(true)
                    let gone = try await other.submit(MessageContent(text: "gone"), to: group.uuid, by: people[1])
                    _ = try await other.receipt(of: gone)
                    _ = try await other.delete(gone.uuid, in: group.uuid, by: people[1])
                    try await Self.send("last", to: group.uuid, by: people[1], at: other)
                    while await sink.next() != .hint([1]) {}
                    test.engine.setOutOfReach(false)

                    let calls = await sink.calls(upTo: "last")
                    #expect(!calls.contains(.run([""], to: [1])))
                    #expect(calls.contains(.hint([1])), "whoever is connected reads what it has become")
                }
            }
        }
    }
}

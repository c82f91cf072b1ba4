// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import JSON
import Testing

@testable import Chat
@testable import Storage

/// What the connections get live, through the sink of their protocol: what, in which order, and who.
@Suite(.timeLimit(.minutes(10))) struct DeliveryTests {
    /// Connects people, numbered from 1, when all that was before has been delivered.
    @discardableResult
    private static func connect(
        _ people: [Principal], to sink: RecordingSink, in test: ChatUnderTest
    ) async throws -> [RecordingConnection] {
        try await test.settled()
        return attach(people, to: sink, in: test)
    }

    @discardableResult
    private static func attach(
        _ people: [Principal], to sink: RecordingSink, in test: ChatUnderTest
    ) -> [RecordingConnection] {
        people.enumerated().map { index, person in
            let connection = RecordingConnection(sink, UInt64(index + 1))
            test.chat.hub.attach(connection, principal: person, wantsNews: true)
            return connection
        }
    }

    @Test(arguments: StorageKind.engines) func messagesComeInRunsOfOneFlow(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let first = try await test.createFlow(members: [people[0], people[1]], by: people[0])
            let second = try await test.createFlow(members: [people[0], people[2]], by: people[0])
            for flow in [first, second] { try await test.send("before", to: flow, by: people[0]) }
            let sink = RecordingSink()
            let connections = try await Self.connect(people, to: sink, in: test)

            // While the first is committed the others gather into one batch.
            test.engine.hold()
            var pending = [try await test.chat.submit(MessageContent(text: "0"), to: first, by: people[0])]
            await test.engine.writeIsHeld()
            for (text, flow) in [("1", first), ("2", first), ("3", second), ("4", first)] {
                pending.append(try await test.chat.submit(MessageContent(text: text), to: flow, by: people[0]))
            }
            test.engine.release()

            #expect(
                await sink.next(4) == [
                    .run(["0"], to: [1, 2]), .run(["1", "2"], to: [1, 2]), .run(["3"], to: [1, 3]),
                    .run(["4"], to: [1, 2]),
                ])
            var receipts: [Receipt<Int64>] = []
            for message in pending { receipts.append(try await test.chat.receipt(of: message)) }
            let messages = sink.allRuns.flatMap(\.messages)
            #expect(messages.map(\.position) == receipts.map(\.position))
            #expect(messages.map(\.number) == receipts.map(\.number))
            #expect(messages.map(\.time) == receipts.map(\.time))
            #expect(messages.map(\.uuid) == pending.map(\.uuid))
            #expect(messages.allSatisfy { $0.sender.login == "alice" && $0.sender.uuid == people[0].uuid })
            #expect(sink.allRuns.map(\.flow.uuid) == [first, first, second, first])
            #expect(connections.allSatisfy { $0.hintCount == 0 }, "who has a sink is told through it")
        }
    }

    @Test(arguments: StorageKind.engines) func anythingElseComesAsItWasReadOnce(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let flow = try await test.createFlow(members: [people[1]], by: people[0])
            try await test.send("before", to: flow, by: people[0])
            let sink = RecordingSink()
            try await Self.connect(people, to: sink, in: test)

            // What changed is read when it is delivered, so each waits until the one before has come.
            let sent = try await test.send("new", to: flow, by: people[0])
            #expect(await sink.next() == .run(["new"], to: [1, 2]))
            _ = try await test.chat.edit(sent.uuid, text: "edited", by: people[0])
            #expect(await sink.next() == .change(["edited"], to: [1, 2]))
            _ = try await test.chat.delete(sent.uuid, in: flow, by: people[0])
            #expect(await sink.next() == .change([Message.deletedText], to: [1, 2]))
            try await test.chat.updateProfile(of: people[0], bio: "not shown by this protocol")
            _ = try await test.createFlow(members: [people[2]], by: people[0])
            #expect(await sink.next() == .change(["title"], to: [1, 3]))
        }
    }

    @Test func accountsAreToldWhereTheyAreShown() async throws {
        try await ChatUnderTest.with { test in
            let people = try await test.registerAll("alice", "bob")
            let open = try await test.createFlow(by: people[0])
            try await test.send("before", to: open, by: people[0])
            let sinks = [RecordingSink(showsAccounts: true), RecordingSink()]
            try await test.settled()
            for sink in sinks { Self.attach(people, to: sink, in: test) }

            try await test.chat.updateProfile(of: people[0], bio: "new")
            try await test.logIn("alice")
            try await test.send("for all", to: open, by: people[0])

            #expect(
                await sinks[0].calls(upTo: "for all") == [
                    .change(["alice"], to: [1, 2]), .run(["for all"], to: [1, 2]),
                ])
            #expect(await sinks[1].calls(upTo: "for all") == [.run(["for all"], to: [1, 2])])
        }
    }

    @Test(arguments: StorageKind.engines) func whatLiesBesideAMessageIsRead(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            try await test.send("before", to: flow, by: alice)
            let sink = RecordingSink()
            try await Self.connect([alice], to: sink, in: test)
            let small = String(repeating: "s", count: 100)
            let large = String(repeating: "l", count: ChatLimits.inlineFileBytes + 1)

            try await test.send(MessageContent(text: "1", files: [.picture: JSONText(small)]), to: flow, by: alice)
            try await test.send(MessageContent(text: "2", files: [.picture: JSONText(large)]), to: flow, by: alice)
            try await test.send("3", to: flow, by: alice)

            #expect(await sink.next(3) == [.run(["1"], to: [1]), .run(["2"], to: [1]), .run(["3"], to: [1])])
            #expect(sink.allRuns[0].messages[0].content.files == [.picture: JSONText(small)])
            #expect(sink.allRuns[1].messages[0].content.files == [.picture: JSONText(large)])
            let missed = try await test.chat.missed(for: alice, after: sink.allRuns[0].last, limit: 10)
            #expect(missed.messages.map(\.message.content.text) == ["2", "3"])
            #expect(missed.messages[0].message.content.files == [.picture: JSONText(large)])
        }
    }

    @Test(arguments: StorageKind.engines) func largeMessagesAreHeldAFewAtATime(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            let chat = test.another(policy: ChatPolicy())
            let sink = RecordingSink()
            chat.hub.attach(RecordingConnection(sink, 1), principal: alice, wantsNews: true)
            let picture = JSONText(String(repeating: "p", count: 3 << 20))
            var pending: [PendingMessage] = []
            for number in 1...5 {
                let content = MessageContent(text: "\(number)", files: [.picture: picture])
                pending.append(try await chat.submit(content, to: flow, by: alice))
            }

            // All in one batch.
            try await test.running(chat) { _ in
                #expect(await sink.next(2) == [.run(["1", "2", "3"], to: [1]), .run(["4", "5"], to: [1])])
            }

            #expect(sink.allRuns.flatMap(\.messages).allSatisfy { $0.content.files[.picture] == picture })
        }
    }

    // MARK: Who

    @Test(arguments: StorageKind.engines) func whoIsRemovedGetsNothingMore(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(title: "group", members: [bob], by: people[0])
            try await test.send("before", to: group.uuid, by: people[0])
            let sink = RecordingSink()
            try await Self.connect(people, to: sink, in: test)

            try await test.send("1", to: group.uuid, by: people[1])
            try await test.chat.removeMember(bob, from: group, by: people[0])
            try await test.send("2", to: group.uuid, by: people[0])
            #expect(try await test.chat.addMember(bob, to: group, by: people[0]) == false)
            try await test.send("3", to: group.uuid, by: people[0])
            // One's own leaving counts as much.
            try await test.chat.removeMember(bob, from: group, by: people[1])
            try await test.send("4", to: group.uuid, by: people[0])

            let calls = await sink.calls(upTo: "4")
            let runs = calls.filter { if case .run = $0 { true } else { false } }
            #expect(
                runs == [
                    .run(["1"], to: [1, 2]), .run(["2"], to: [1]), .run(["3"], to: [1, 2]), .run(["4"], to: [1]),
                ])
            // Between the first and the second both are told that he left, himself too.
            let removal = calls[1..<(try #require(calls.firstIndex(of: .run(["2"], to: [1]))))]
            let told = removal.reduce(into: Set<UInt64>()) { told, call in
                if case .change(_, let connections) = call { told.formUnion(connections) }
            }
            #expect(told == [1, 2])
        }
    }

    @Test func publicFlowsReachEveryListener() async throws {
        try await ChatUnderTest.with { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let open = try await test.createFlow(.channel, by: people[0])
            try await test.send("before", to: open, by: people[0])
            let sink = RecordingSink()
            try await Self.connect(people, to: sink, in: test)
            let silent = RecordingConnection(sink, 4)
            test.chat.hub.attach(silent, principal: people[0], wantsNews: false)
            let reader = RecordingConnection()
            test.chat.hub.attach(reader, principal: people[1], wantsNews: true)

            try await test.send("for all", to: open, by: people[0])
            await reader.hint()

            #expect(await sink.next() == .run(["for all"], to: [1, 2, 3]))
        }
    }

    @Test func connectionsComeAndGoWhileAFlowIsTalkedIn() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            try await test.send("before", to: flow, by: alice)
            try await test.settled()
            let sink = RecordingSink()
            let other = RecordingSink()
            let connections = [
                RecordingConnection(sink, 1), RecordingConnection(sink, 2), RecordingConnection(other, 3),
            ]
            func attach(_ index: Int, wantsNews: Bool = true) {
                test.chat.hub.attach(connections[index], principal: alice, wantsNews: wantsNews)
            }

            attach(0)
            try await test.send("a", to: flow, by: alice)
            #expect(await sink.next() == .run(["a"], to: [1]))
            attach(1)
            attach(2)
            try await test.send("b", to: flow, by: alice)
            #expect(await sink.next() == .run(["b"], to: [1, 2]))
            #expect(await other.next() == .run(["b"], to: [3]))
            test.chat.hub.detach(connections[0])
            attach(2, wantsNews: false)
            try await test.send("c", to: flow, by: alice)
            #expect(await sink.next() == .run(["c"], to: [2]))
            attach(0)
            attach(0)
            attach(2)
            try await test.send("d", to: flow, by: alice)
            #expect(await sink.next() == .run(["d"], to: [1, 2]))
            #expect(await other.next() == .run(["d"], to: [3]))
            for connection in connections { test.chat.hub.detach(connection) }
            #expect(test.chat.hub.counts == (0, 0))
        }
    }

    @Test(arguments: StorageKind.engines) func theEndOfAFlowIsToldToItsMembers(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let flow = try await test.createFlow(members: [people[1]], by: people[0])
            let open = try await test.createFlow(by: people[0])
            let id = try #require(try await test.storage.flow(uuid: flow)).id
            try await test.send("before", to: open, by: people[0])
            let sink = RecordingSink()
            try await Self.connect(people, to: sink, in: test)
            try await test.send("1", to: flow, by: people[0])
            // Were it deleted before this is delivered, there would be no flow to deliver to.
            #expect(await sink.next() == .run(["1"], to: [1, 2]))
            let access = Self.flow(id.rawValue, members: 2)
            #expect(test.chat.hub.audience(of: access) != nil)

            _ = try await test.chat.write(Write.DeleteFlow(id), by: nil)
            try await test.send("2", to: open, by: people[0])

            #expect(await sink.calls(upTo: "2") == [.change([], to: [1, 2]), .run(["2"], to: [1, 2, 3])])
            // Nothing of it is kept.
            #expect(test.chat.hub.audience(of: access) == nil)
        }
    }

    // MARK: Many

    private static func flow(_ id: Int64, members: Int64) -> FlowAccess {
        FlowAccess(
            id: FlowID(id), uuid: Identifier(UInt128(id)), kind: .group, owner: UserID(1), isPublic: false, title: "",
            isBridged: false, members: Set((1...members).map { UserID($0) }))
    }

    @Test func aMessageCostsNothingForThoseWhoAreNotHere() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let sink = RecordingSink()
            try await Self.connect([alice], to: sink, in: test)
            let flows = [Self.flow(1001, members: alice.user.rawValue), Self.flow(1002, members: 100_000)]
            func lookUp(_ flow: FlowAccess, times: Int) -> Duration {
                ContinuousClock().measure {
                    for _ in 0..<times {
                        let known = test.chat.hub.audience(of: flow)
                        let audience = known ?? test.chat.hub.audience(of: flow.id, members: flow.members)
                        if audience.lists.map(\.connections) != [[1]] {
                            Issue.record("the audience is not alice alone")
                        }
                    }
                }
            }
            for flow in flows { _ = lookUp(flow, times: 1) }

            let small = lookUp(flows[0], times: 1000)
            let large = lookUp(flows[1], times: 1000)

            // A look at each member would cost a hundred thousand times as much.
            #expect(large < small * 100 + .milliseconds(500))
        }
    }

    @Test func whoseFlowsAreManyComesAndGoesInAllOfThem() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let sink = RecordingSink()
            let connection = RecordingConnection(sink, 7)
            let flows = (0..<500).map { Self.flow(2000 + $0, members: alice.user.rawValue) }
            func audiences() -> Set<[UInt64]> {
                Set(
                    flows.map { flow in
                        let known = test.chat.hub.audience(of: flow)
                        let audience = known ?? test.chat.hub.audience(of: flow.id, members: flow.members)
                        return audience.lists.flatMap(\.connections)
                    })
            }

            #expect(audiences() == [[]])
            test.chat.hub.attach(connection, principal: alice, wantsNews: true)
            #expect(audiences() == [[7]])
            test.chat.hub.detach(connection)
            #expect(audiences() == [[]])
        }
    }

    @Test(arguments: [(200, 0), (400, 1)]) func whenTooManyBatchesWaitAllAreToldToRead(
        batches: Int, hints: Int
    ) async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let chat = test.another(policy: ChatPolicy())
            let connection = RecordingConnection()
            chat.hub.attach(connection, principal: alice, wantsNews: true)
            // Events that are nobody's news.
            let event = LogEvent(
                position: Position(1), time: Timestamp(seconds: 1), uuid: Identifier(1), kind: .session,
                subject: alice.user.rawValue, content: LogEvent.sessionOpened)

            for _ in 0..<batches { chat.delivery.enqueue([event]) }
            try await test.running(chat) { chat in
                if hints > 0 { await connection.hint() }
                let message = try await chat.submit(MessageContent(text: "marker"), to: flow, by: alice)
                _ = try await chat.receipt(of: message)
                await connection.hint()
            }

            #expect(connection.hintCount == hints + 1)
        }
    }
}

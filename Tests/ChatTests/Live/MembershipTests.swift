// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Chat
@testable import Storage

/// The rule of who gets what of a group, in the domain; each protocol has the same table.
@Suite(.timeLimit(.minutes(10))) struct MembershipTests {
    @Test(arguments: StorageKind.engines, MembershipCase.all)
    func whatIsMissedAndWhatIsRead(on kind: StorageKind, in scene: MembershipCase) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let people = try await test.registerAll("alice", "bob")
            let bob = try await chat.person(login: "bob")
            let group = try await MembershipCase.makeGroup(in: test, owner: people[0])
            let start = try await chat.head()

            try await scene.play(in: test, group: group, owner: people[0], member: bob)

            for after in [start, Position.start] {
                // In one page, and event by event.
                for limit in [100, 1] {
                    #expect(try await missed(after: after, limit: limit, by: people[1], at: chat) == scene.pushed)
                    let updates = try await pushed(after: after, limit: limit, to: people[1], at: chat)
                    #expect(updates == scene.pushedEdits + scene.pushed)
                }
            }
            if let read = scene.read {
                #expect(try await test.texts(in: group.uuid, for: people[1]) == read)
                let numbered = try await chat.messages(
                    in: group.uuid, numbers: 0..<100, since: nil, limit: 100, for: people[1])
                #expect(numbered.messages.map(\.content.text) == read)
                #expect(numbered.total == Int64(read.count))
                let history = try await chat.history(of: group.uuid, before: nil, limit: 100, for: people[1])
                #expect(history.map(\.message.content.text) == read)
                let asked = try await chat.updates(for: people[1], after: .start, limit: 100)
                #expect(asked.messages.map(\.content.text) == read + [MembershipCase.end])
            } else {
                await #expect(throws: ChatError.noSuchFlow) { try await test.texts(in: group.uuid, for: people[1]) }
                await #expect(throws: ChatError.noSuchFlow) {
                    try await chat.history(of: group.uuid, before: nil, limit: 100, for: people[1])
                }
            }
        }
    }

    private func missed(
        after position: Position, limit: Int, by principal: Principal, at chat: Chat
    ) async throws -> [String] {
        var texts: [String] = []
        var cursor = position
        while true {
            let page = try await chat.missed(for: principal, after: cursor, limit: limit)
            texts += page.messages.map(\.message.content.text)
            cursor = page.cursor
            if !page.isCut { break }
        }
        #expect(texts.last == MembershipCase.end)
        return texts.dropLast()
    }

    private func pushed(
        after position: Position, limit: Int, to principal: Principal, at chat: Chat
    ) async throws -> [String] {
        var texts: [String] = []
        var cursor = position
        while true {
            let page = try await chat.updates(for: principal, after: cursor, limit: limit, .pushed)
            texts += page.messages.map(\.content.text)
            cursor = page.cursor
            if !page.isCut { break }
        }
        #expect(texts.last == MembershipCase.end)
        return texts.dropLast()
    }

    /// A batch is delivered when it is committed whole: the joining and what was said before it come at once.
    @Test(arguments: StorageKind.engines)
    func liveMessagesGoToThoseWhoWereMembersThen(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let group = try await MembershipCase.makeGroup(in: test, owner: people[0])
            let bob = people[1].user
            try await test.settled()
            let sink = RecordingSink()
            for (number, person) in people.enumerated() {
                test.chat.hub.attach(RecordingConnection(sink, UInt64(number + 1)), principal: person, wantsNews: true)
            }

            test.engine.hold()
            var pending = [try await test.chat.submit(MessageContent(text: "0"), to: group.uuid, by: people[0])]
            await test.engine.writeIsHeld()
            func say(_ text: String) async throws {
                pending.append(try await test.chat.submit(MessageContent(text: text), to: group.uuid, by: people[0]))
            }
            try await say("before")
            var changes = [try test.chat.submit(Write.AddMember(group.id, bob), by: people[0].user)]
            try await say("with bob")
            changes.append(try test.chat.submit(Write.RemoveMember(group.id, bob), by: people[0].user))
            try await say("after")
            test.engine.release()
            for change in changes { _ = try await test.chat.receipt(of: change) }
            try await test.send("end", to: group.uuid, by: people[0])

            #expect(
                await sink.runs(upTo: "end") == [
                    .run(["0"], to: [1]), .run(["before"], to: [1]), .run(["with bob"], to: [1, 2]),
                    .run(["after"], to: [1]), .run(["end"], to: [1]),
                ])
        }
    }

    // MARK: The audience and the log

    private static func connect(_ person: Principal, _ number: UInt64, to sink: RecordingSink, at chat: Chat) {
        chat.hub.attach(RecordingConnection(sink, number), principal: person, wantsNews: true)
    }

    @Test(arguments: StorageKind.engines)
    func whoJoinsOrLeavesWhileNobodyListensIsKnown(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let persons = [try await test.chat.person(login: "bob"), try await test.chat.person(login: "carol")]
            let group = try await test.chat.createGroup(title: "group", members: [persons[0]], by: people[0])
            // The audience is remembered with bob.
            let listener = RecordingConnection()
            test.chat.hub.attach(listener, principal: people[0], wantsNews: true)
            try await test.send("before", to: group.uuid, by: people[0])
            await listener.hint()
            test.chat.hub.detach(listener)

            _ = try await test.chat.addMember(persons[1], to: group, by: people[0])
            try await test.chat.removeMember(persons[0], from: group, by: people[0])
            try await test.settled()
            let sink = RecordingSink()
            for (index, person) in people.enumerated() {
                Self.connect(person, UInt64(index + 1), to: sink, at: test.chat)
            }
            try await test.send("after", to: group.uuid, by: people[0])

            #expect(await sink.runs(upTo: "after") == [.run(["after"], to: [1, 3])])
        }
    }

    @Test func whoJoinedInADroppedBatchIsKnown() async throws {
        try await whatHappensInADroppedBatch(wasMember: false, audience: [1, 2]) { chat, group, alice, bob in
            _ = try await chat.addMember(bob, to: group, by: alice)
        }
    }

    @Test func whoLeftInADroppedBatchIsKnown() async throws {
        try await whatHappensInADroppedBatch(wasMember: true, audience: [1]) { chat, group, alice, bob in
            try await chat.removeMember(bob, from: group, by: alice)
        }
    }

    /// Changes the members of a group of Alice (connection 1), so that Bob (connection 2) belongs to it or not, in a
    /// batch that delivery drops; and holds the next message to its audience.
    private func whatHappensInADroppedBatch(
        wasMember: Bool, audience: Set<UInt64>,
        change: (Chat, FlowAccess, Principal, Person) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with { test in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(
                title: "group", members: wasMember ? [bob] : [], by: people[0])
            let chat = test.another(policy: ChatPolicy())
            let sink = RecordingSink()
            Self.connect(people[0], 1, to: sink, at: chat)
            Self.connect(people[1], 2, to: sink, at: chat)
            let sent = try await test.send("first", to: group.uuid, by: people[0])
            let first = try #require(
                try await test.storage.events(after: Position(sent.receipt.position.rawValue - 1), limit: 1).first)
            // The audience is remembered when the first is delivered; the change comes after more than are kept.
            let nothing = LogEvent(
                position: first.position, time: first.time, uuid: Identifier(1), kind: .session,
                subject: people[0].user.rawValue, content: LogEvent.sessionOpened)
            chat.delivery.enqueue([first])
            for _ in 0..<300 { chat.delivery.enqueue([nothing]) }
            try await change(test.chat, group, people[0], bob)
            chat.delivery.enqueue(try await test.storage.events(after: first.position, limit: 1))

            try await test.running(chat) { chat in
                _ = await sink.runs(upTo: "first")
                while await sink.next() != .hint([1, 2]) {}
                let message = try await chat.submit(MessageContent(text: "second"), to: group.uuid, by: people[0])
                _ = try await chat.receipt(of: message)
                #expect(await sink.runs(upTo: "second") == [.run(["second"], to: audience)])
            }
        }
    }

    // MARK: Row numbers

    /// As after `manage testclient session`, or when both of a chat are deleted and then the chat.
    @Test(arguments: StorageKind.engines)
    func newFlowHasNothingOfADeletedOne(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let gone = try await test.registerAll("gone", "gone too")
            let first = try await test.createFlow(.chat, members: gone, by: gone[0])
            let row = try await chat.flow(first, for: gone[0]).id
            let listener = RecordingConnection()
            chat.hub.attach(listener, principal: gone[1], wantsNews: true)
            try await test.send("to nobody", to: first, by: gone[0])
            await listener.hint()
            chat.hub.detach(listener)
            for principal in gone { _ = try await chat.write(Write.DeleteUser(principal.user), by: nil) }
            _ = try await chat.write(Write.DeleteFlow(row), by: nil)
            while try await !test.storage.purgeDeletedFlows() {}

            let people = try await test.registerAll("alice", "bob")
            let sink = RecordingSink()
            Self.connect(people[1], 1, to: sink, at: chat)
            let second = try await test.createFlow(.chat, members: people, by: people[0])
            try await test.send("hello", to: second, by: people[0])

            #expect(await sink.runs(upTo: "hello") == [.run(["hello"], to: [1])])
            #expect(try await chat.flow(second, for: people[0]).id > row)
            await #expect(throws: ChatError.noSuchFlow) { try await chat.flow(row: row.rawValue, for: people[0]) }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Catching up: what an account is shown of the log after a cursor.
@Suite(.timeLimit(.minutes(10))) struct UpdateTests {
    private struct Everything {
        var messages: [Message] = []
        var flows: [Identifier] = []
        var cursor: Position
        var pages = 0
    }

    /// Everything after a cursor, page by page.
    private static func all(
        after start: Position, limit: Int, excluding: Set<Position> = [], for principal: Principal,
        in test: ChatUnderTest
    ) async throws -> Everything {
        var all = Everything(cursor: start)
        while true {
            let page = try await test.chat.updates(
                for: principal, after: all.cursor, limit: limit, excluding: excluding)
            all.messages += page.messages
            all.flows += page.flows.map(\.record.uuid)
            all.pages += 1
            guard page.isCut else {
                all.cursor = page.cursor
                return all
            }
            try #require(page.cursor > all.cursor)
            all.cursor = page.cursor
        }
    }

    @Test(arguments: StorageKind.engines) func everythingComesOnceAndInOrder(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let (alice, bob, carol) = (people[0], people[1], people[2])
            let start = try await test.chat.head()
            let flows = [
                try await test.createFlow(members: [bob], by: alice), try await test.createFlow(.channel, by: alice),
                try await test.createFlow(.chat, members: [alice, bob], by: bob),
            ]
            let secret = try await test.createFlow(members: [carol], by: carol)
            var sent: [Identifier] = []
            for number in 0..<10 {
                for flow in flows { sent.append(try await test.send("\(number)", to: flow, by: alice).uuid) }
                try await test.send("not for others", to: secret, by: carol)
            }

            for limit in [1, 7, 33, 34, 1000] {
                let updates = try await Self.all(after: start, limit: limit, for: bob, in: test)

                #expect(updates.messages.map(\.uuid) == sent)
                #expect(updates.flows == flows)
                #expect(updates.cursor == (try await test.chat.head()))
                #expect((updates.pages == 1) == (limit >= 33))
            }
            let carols = try await Self.all(after: start, limit: 5, for: carol, in: test)
            #expect(Set(carols.messages.map(\.flow)) == [flows[1], secret])
        }
    }

    @Test(arguments: StorageKind.engines) func theEndOfTheLogHasNothingNew(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: [people[0]], by: people[0])
            let head = try await test.chat.head()

            let nothing = try await test.chat.updates(for: people[1], after: head, limit: 10)
            #expect(nothing.messages.isEmpty && nothing.flows.isEmpty && nothing.users.isEmpty)
            #expect(nothing.cursor == head)
            #expect(!nothing.isCut)

            // What is not for them moves their cursor all the same.
            try await test.send("private", to: flow, by: people[0])
            let still = try await test.chat.updates(for: people[1], after: head, limit: 10)
            #expect(still.messages.isEmpty)
            #expect(still.cursor > head)
        }
    }

    @Test(arguments: StorageKind.engines) func aChangedMessageIsShownAsItStandsNow(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: [people[1]], by: people[0])
            let edited = try await test.send("tpyo", to: flow, by: people[0])
            let deleted = try await test.send("oops", to: flow, by: people[0])
            let before = try await test.chat.head()

            for text in ["tippo", "typo"] { _ = try await test.chat.edit(edited.uuid, text: text, by: people[0]) }
            _ = try await test.chat.delete(deleted.uuid, in: flow, by: people[0])

            let changes = try await test.chat.updates(for: people[1], after: before, limit: 10)
            #expect(changes.messages.map(\.uuid) == [edited.uuid, deleted.uuid])
            #expect(changes.messages.map(\.content.text) == ["typo", Message.deletedText])
            #expect(changes.messages.map(\.number) == [0, 1])
            #expect(changes.messages.allSatisfy { $0.edited != nil })
            let everything = try await test.chat.updates(for: people[1], after: .start, limit: 100)
            #expect(everything.messages.map(\.content.text) == ["typo", Message.deletedText])
        }
    }

    @Test(arguments: StorageKind.engines) func whatIsExcludedIsLeftOutAndTheRestIsNot(on kind: StorageKind) async throws
    {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(by: people[0])
            let start = try await test.chat.head()
            var own: Set<Position> = []
            for number in 0..<20 {
                let sent = try await test.send("\(number)", to: flow, by: people[number % 2])
                if number % 2 == 0 { own.insert(sent.receipt.position) }
            }

            for limit in [1, 3, 100] {
                let updates = try await Self.all(
                    after: start, limit: limit, excluding: own, for: people[0], in: test)

                #expect(updates.messages.map(\.content.text) == stride(from: 1, to: 20, by: 2).map { "\($0)" })
                #expect(updates.cursor == (try await test.chat.head()))
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aTimeNeverEndsInsideASecond(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let begin = test.wallClock.now.seconds + 10
            for (second, count) in [3, 5, 2].enumerated() {
                for index in 0..<count {
                    test.wallClock.now = Timestamp(milliseconds: (begin + Int64(second)) * 1000 + Int64(index * 100))
                    try await test.send("\(second)/\(index)", to: flow, by: alice)
                }
            }

            let first = try await test.chat.updates(for: alice, since: Timestamp(seconds: begin), limit: 5)
            #expect(first.messages.map(\.number) == Array(0..<8))
            #expect(first.isCut)
            let second = try await test.chat.updates(for: alice, after: first.cursor, limit: 5)
            #expect(second.messages.map(\.number) == [8, 9])
            #expect(!second.isCut)
            let later = try await test.chat.updates(for: alice, since: Timestamp(seconds: begin + 2), limit: 5)
            #expect(later.messages.map(\.number) == [8, 9])
        }
    }

    @Test(arguments: StorageKind.engines) func accountsAndFlowsThatAreNewOrChangedAreShown(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let start = try await test.chat.head()

            let bob = try await test.register("bob").principal
            let hidden = try await test.chat.newUser(login: Login("bot"), password: Password("secret"), isHidden: true)
            _ = try await test.chat.write(Write.CreateUser(hidden), by: nil)
            try await test.logIn("bob")
            _ = try await test.chat.write(Write.UpdateUser(alice.user, UserChanges(bio: "new")), by: nil)
            let flow = try await test.createFlow(members: [alice], by: bob)
            let id = try #require(try await test.storage.flow(uuid: flow)).id
            _ = try await test.chat.write(Write.UpdateFlow(id, title: "new title", info: nil), by: nil)

            let updates = try await test.chat.updates(for: alice, after: start, limit: 100)
            #expect(updates.users.map(\.login) == ["bob", "alice"])
            #expect(updates.users.last?.bio == "new")
            #expect(updates.flows.map(\.record.uuid) == [flow])
            #expect(updates.flows.first?.record.title == "new title")
            #expect(updates.flows.first.map { Set($0.members) } == [alice.uuid, bob.uuid])
            #expect(updates.messages.isEmpty)
        }
    }

    @Test(arguments: StorageKind.engines) func whoJoinsSeesTheFlowAndWhoLeftSeesItUpToThen(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: [people[0]], by: people[0])
            try await test.send("before", to: flow, by: people[0])
            let id = try #require(try await test.storage.flow(uuid: flow)).id
            let joining = try await test.chat.head()

            _ = try await test.chat.write(Write.AddMember(id, people[1].user), by: nil)
            try await test.send("during", to: flow, by: people[0])
            let joined = try await test.chat.updates(for: people[1], after: joining, limit: 100)
            #expect(joined.flows.map(\.record.uuid) == [flow])
            #expect(joined.messages.map(\.content.text) == ["during"])

            _ = try await test.chat.write(Write.RemoveMember(id, people[1].user), by: nil)
            try await test.send("after", to: flow, by: people[0])
            let left = try await test.chat.updates(for: people[1], after: joined.cursor, limit: 100)
            #expect(left.messages.isEmpty && left.flows.isEmpty)
            let everything = try await test.chat.updates(for: people[1], after: .start, limit: 100)
            #expect(everything.messages.map(\.content.text) == ["before", "during"])
            #expect(everything.flows.isEmpty)
        }
    }
}

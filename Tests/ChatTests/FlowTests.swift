// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Flows: who sees them, who writes in them, and how they come about.
@Suite(.timeLimit(.minutes(10))) struct FlowTests {
    @Test(arguments: StorageKind.engines) func aChatOfTwoIsFoundAgain(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let (alice, bob, carol) = (people[0], people[1], people[2])

            let made = try await test.chat.createFlow(
                .chat, title: "us", info: "", members: [alice.uuid, bob.uuid], by: alice)
            let again = try await test.chat.createFlow(
                .chat, title: "other", info: "x", members: [alice.uuid, bob.uuid], by: alice)
            let fromTheOther = try await test.chat.createFlow(
                .chat, title: "", info: "", members: [bob.uuid, alice.uuid], by: bob)
            let third = try await test.createFlow(.chat, members: [alice, carol], by: carol)

            #expect(again.record == made.record)
            #expect(fromTheOther.record == made.record)
            #expect(Set(made.members) == [alice.uuid, bob.uuid])
            #expect(made.record.title == "us")
            #expect(third != made.record.uuid)
            #expect(try await test.storage.counts().flows == 2)
        }
    }

    @Test(arguments: StorageKind.engines) func ofManyAtOnceAllGetTheSameChat(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")

            let uuids = try await withThrowingTaskGroup(of: Identifier.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        try await test.createFlow(.chat, members: people, by: people[number % 2])
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }

            #expect(uuids.count == 1)
            #expect(try await test.storage.counts().flows == 1)
        }
    }

    @Test func aChatHasTwoDifferentPeople() async throws {
        try await ChatUnderTest.with { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let uuids = people.map(\.uuid)
            let refusal = ChatError.invalidFlow("A chat has exactly two different people, and you are one of them.")

            for members in [[], [uuids[0]], [uuids[0], uuids[0]], [uuids[1], uuids[2]], uuids] {
                await #expect(throws: refusal) {
                    try await test.chat.createFlow(.chat, title: "", info: "", members: members, by: people[0])
                }
            }
            #expect(try await test.storage.counts().flows == 0)
        }
    }

    @Test(arguments: StorageKind.engines) func nobodyUnknownHiddenOrDeletedBecomesAMember(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "gone")
            let hidden = try await test.chat.newUser(login: Login("bot"), password: Password("secret"), isHidden: true)
            _ = try await test.chat.write(Write.CreateUser(hidden), by: nil)
            _ = try await test.chat.write(Write.DeleteUser(people[1].user), by: nil)

            for stranger in [Identifier(42), hidden.uuid, people[1].uuid] {
                for flowKind in [FlowRecord.Kind.chat, .group, .channel] {
                    await #expect(throws: ChatError.noSuchUser) {
                        try await test.chat.createFlow(
                            flowKind, title: "", info: "", members: [people[0].uuid, stranger], by: people[0])
                    }
                }
            }
            #expect(try await test.storage.counts().flows == 0)
            #expect(try await test.chat.visibleFlows(to: people[0]).flows.isEmpty)
        }
    }

    @Test(arguments: StorageKind.engines) func everybodySeesAPublicGroupAndWrites(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let group = try await test.createFlow(by: people[0])

            try await test.send("by a stranger", to: group, by: people[1])

            #expect(try await test.texts(in: group, for: people[0]) == ["by a stranger"])
            for person in people {
                let flows = try await test.chat.visibleFlows(to: person).flows
                #expect(flows.map(\.record.uuid) == [group])
                #expect(flows[0].members == [])
                #expect(flows[0].record.ownerUUID == people[0].uuid)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aPrivateGroupIsItsMembers(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            // The owner names only the other, and that one twice.
            let group = try await test.createFlow(members: [people[1], people[1]], by: people[0])

            try await test.send("hi", to: group, by: people[1])
            try await test.send("hello", to: group, by: people[0])

            #expect(try await test.texts(in: group, for: people[0]) == ["hi", "hello"])
            let shown = try await test.chat.visibleFlows(to: people[1]).flows
            #expect(shown.map { Set($0.members) } == [[people[0].uuid, people[1].uuid]])
            try await Self.doesNotExist(group, for: people[2], in: test)
        }
    }

    /// For who may not see it a flow is as one that never was.
    private static func doesNotExist(_ flow: Identifier, for principal: Principal, in test: ChatUnderTest) async throws
    {
        await #expect(throws: ChatError.noSuchFlow) { try await test.send("x", to: flow, by: principal) }
        await #expect(throws: ChatError.noSuchFlow) { try await test.messages(in: flow, for: principal) }
        await #expect(throws: ChatError.noSuchFlow) {
            try await test.chat.messages(in: flow, numbers: 0..<1, since: nil, limit: 10, for: principal)
        }
        await #expect(throws: ChatError.noSuchFlow) {
            try await test.chat.delete(test.chat.newIdentifier(), in: flow, by: principal)
        }
        #expect(try await !test.chat.visibleFlows(to: principal).flows.contains { $0.record.uuid == flow })
    }

    @Test(arguments: StorageKind.engines) func inAChannelItsOwnerWrites(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let closed = try await test.createFlow(.channel, members: [people[1]], by: people[0])
            let open = try await test.createFlow(.channel, by: people[0])
            try await test.send("news", to: closed, by: people[0])
            try await test.send("news for all", to: open, by: people[0])

            let refusal = ChatError.notAllowed("Only the owner writes in a channel.")
            await #expect(throws: refusal) { try await test.send("me too", to: closed, by: people[1]) }
            await #expect(throws: refusal) { try await test.send("me too", to: open, by: people[2]) }

            #expect(try await test.texts(in: closed, for: people[1]) == ["news"])
            #expect(try await test.texts(in: open, for: people[2]) == ["news for all"])
            try await Self.doesNotExist(closed, for: people[2], in: test)
        }
    }

    @Test(arguments: StorageKind.engines) func whoIsRemovedIsOutAtOnceAndWhoIsAddedIsIn(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let group = try await test.createFlow(members: [people[1]], by: people[0])
            let own = try await test.send("from bob", to: group, by: people[1])
            try await Self.doesNotExist(group, for: people[2], in: test)
            let id = try #require(try await test.storage.flow(uuid: group)).id

            _ = try await test.chat.write(Write.AddMember(id, people[2].user), by: nil)
            try await test.send("from carol", to: group, by: people[2])
            _ = try await test.chat.write(Write.RemoveMember(id, people[1].user), by: nil)

            await #expect(throws: ChatError.noSuchFlow) { try await test.send("x", to: group, by: people[1]) }
            for change in [own.uuid, test.chat.newIdentifier()] {
                await #expect(throws: ChatError.noSuchFlow) {
                    try await test.chat.delete(change, in: group, by: people[1])
                }
                await #expect(throws: ChatError.noSuchMessage) {
                    try await test.chat.edit(change, text: "changed", by: people[1])
                }
            }
            #expect(try await !test.chat.visibleFlows(to: people[1]).flows.contains { $0.record.uuid == group })
            try await test.send("without bob", to: group, by: people[2])
            // What was said while he was there he may still read.
            #expect(try await test.texts(in: group, for: people[1]) == ["from bob", "from carol"])
            #expect(try await test.texts(in: group, for: people[2]) == ["from bob", "from carol", "without bob"])
        }
    }

    @Test(arguments: StorageKind.engines) func aDeletedFlowIsGoneAtOnce(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let chat = try await test.createFlow(.chat, members: people, by: people[0])
            let message = try await test.send("hi", to: chat, by: people[0])
            let id = try #require(try await test.storage.flow(uuid: chat)).id

            _ = try await test.chat.write(Write.DeleteFlow(id), by: nil)

            for person in people { try await Self.doesNotExist(chat, for: person, in: test) }
            await #expect(throws: ChatError.noSuchMessage) {
                try await test.chat.edit(message.uuid, text: "changed", by: people[0])
            }
            let next = try await test.createFlow(.chat, members: people, by: people[1])
            #expect(next != chat)
            #expect(try await test.texts(in: next, for: people[0]) == [])
        }
    }

    @Test func limits() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            func create(title: String = "", info: String = "", members: [Identifier] = []) async throws -> Flow {
                try await test.chat.createFlow(.group, title: title, info: info, members: members, by: alice)
            }
            func letters(_ count: Int) -> String { String(repeating: "x", count: count) }

            await #expect(throws: ChatError.tooLong(field: "title", limit: 1024)) {
                try await create(title: letters(1025))
            }
            await #expect(throws: ChatError.tooLong(field: "info", limit: 16_384)) {
                try await create(info: letters(16_385))
            }
            await #expect(throws: ChatError.nullCharacter(field: "title")) { try await create(title: "a\0") }
            await #expect(throws: ChatError.nullCharacter(field: "info")) { try await create(info: "\0") }
            await #expect(throws: ChatError.self) {
                try await create(members: (0...ChatLimits.newMembers).map { Identifier(UInt128($0)) })
            }
            let flow = try await create(title: letters(1024), info: letters(16_384))
            #expect(flow.record.title == letters(1024))
            #expect(flow.record.info == letters(16_384))
            #expect(try await test.storage.counts().flows == 1)
        }
    }

    @Test(arguments: StorageKind.engines) func listsAreByAgeAndCut(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            var made: [Identifier] = []
            for _ in 0..<3 { made.append(try await test.createFlow(by: alice)) }

            let some = try await test.chat.visibleFlows(to: alice, limit: 2)
            let all = try await test.chat.visibleFlows(to: alice, limit: 3)

            #expect(some.flows.map(\.record.uuid) == Array(made.prefix(2)))
            #expect(some.isCut)
            #expect(all.flows.map(\.record.uuid) == made)
            #expect(!all.isCut)
        }
    }

    /// What is listed has a bound in members, too: flows are left out at the end, and of a larger one some are listed.
    @Test(arguments: StorageKind.engines) func listsAreCutAtTheirMembers(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let three = try await test.createFlow(members: Array(people.dropFirst()), by: people[0])
            let two = try await test.createFlow(members: [people[1]], by: people[0])
            let one = try await test.createFlow(members: [people[0]], by: people[0])
            func counts(listing maximum: Int) async throws -> [[Identifier]: Bool] {
                let (flows, isCut) = try await test.chat.visibleFlows(to: people[0], listing: maximum)
                #expect(flows.map(\.members.count) == Array([min(3, maximum), 2, 1].prefix(flows.count)))
                return [flows.map(\.record.uuid): isCut]
            }

            #expect(try await counts(listing: 2) == [[three]: true])
            #expect(try await counts(listing: 3) == [[three]: true])
            #expect(try await counts(listing: 4) == [[three, two]: true])
            #expect(try await counts(listing: 6) == [[three, two, one]: false])
        }
    }
}

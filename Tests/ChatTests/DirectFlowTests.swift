// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Storage
import Testing

/// The one chat of two people, and groups with an owner.
@Suite(.timeLimit(.minutes(10))) struct DirectFlowTests {
    @Test(arguments: StorageKind.engines) func twoPeopleHaveOneChat(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let people = try await test.registerAll("alice", "bob", "carol")
            let alice = try await chat.person(login: "alice")
            let bob = try await chat.person(login: "bob")
            #expect(try await chat.existingDirectFlow(with: bob, by: people[0]) == nil)

            let flow = try await chat.directFlow(with: bob, by: people[0])

            #expect(flow.kind == .chat)
            #expect(flow.members == [people[0].user, people[1].user])
            #expect(try await chat.directFlow(with: alice, by: people[1]) == flow)
            #expect(try await chat.existingDirectFlow(with: alice, by: people[1]) == flow)
            #expect(try await chat.otherSide(of: flow, than: people[0].user) == bob)
            #expect(try await chat.otherSide(of: flow, than: people[1].user) == alice)
            #expect(try await chat.flow(row: flow.id.rawValue, for: people[1]) == flow)
            await #expect(throws: ChatError.noSuchFlow) { try await chat.flow(row: flow.id.rawValue, for: people[2]) }
            await #expect(throws: ChatError.noSuchFlow) { try await chat.flow(row: 12345, for: people[0]) }
            await #expect(throws: ChatError.invalidFlow("A chat has two different people.")) {
                try await chat.directFlow(with: alice, by: people[0])
            }
            for change in [false, true] {
                await #expect(throws: ChatError.self, "nobody joins or leaves a chat") {
                    if change { _ = try await chat.addMember(bob, to: flow, by: people[1]) }
                    try await chat.removeMember(bob, from: flow, by: people[1])
                }
            }
        }
    }

    @Test(arguments: StorageKind.available) func ofManyWhoBeginAtOnceAllGetTheSame(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let persons = [try await test.chat.person(login: "alice"), try await test.chat.person(login: "bob")]

            let found = try await withThrowingTaskGroup(of: Identifier.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        try await test.chat.directFlow(with: persons[(number + 1) % 2], by: people[number % 2]).uuid
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }

            #expect(found.count == 1)
            for principal in people { #expect(try await test.chat.visibleFlows(to: principal).flows.count == 1) }
        }
    }

    @Test(arguments: StorageKind.engines) func afterADeletionThereIsAnotherChat(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            let first = try await test.chat.directFlow(with: bob, by: people[0])

            _ = try await test.chat.write(Write.DeleteFlow(first.id), by: nil)

            #expect(try await test.chat.existingDirectFlow(with: bob, by: people[0]) == nil)
            let second = try await test.chat.directFlow(with: bob, by: people[0])
            #expect(second.uuid != first.uuid)
            #expect(try await test.chat.existingDirectFlow(with: bob, by: people[0]) == second)
        }
    }

    // MARK: Groups

    @Test(arguments: StorageKind.engines) func anOwnerAddsAndRemoves(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let people = try await test.registerAll("alice", "bob", "carol")
            let persons = [
                try await chat.person(login: "alice"), try await chat.person(login: "bob"),
                try await chat.person(login: "carol"),
            ]

            let group = try await chat.createGroup(title: "title", members: [persons[1], persons[0]], by: people[0])
            #expect(group.owner == people[0].user)
            #expect(group.title == "title")
            #expect(!group.isPublic)
            #expect(group.members == [people[0].user, people[1].user])

            #expect(try await chat.addMember(persons[2], to: group, by: people[0]) == false)
            #expect(try await chat.addMember(persons[2], to: group, by: people[0]) == true)
            #expect(try await chat.flow(group.uuid, for: people[2]).members.count == 3)
            try await test.send("hi", to: group.uuid, by: people[2])
            for other in [people[1], people[2]] {
                await #expect(throws: ChatError.notAllowed("Only the owner of a group adds members.")) {
                    try await chat.addMember(persons[1], to: group, by: other)
                }
            }
            await #expect(throws: ChatError.notAllowed("Only the owner of a group removes members.")) {
                try await chat.removeMember(persons[1], from: group, by: people[2])
            }
            try await chat.removeMember(persons[1], from: group, by: people[0])
            try await chat.removeMember(persons[2], from: group, by: people[2])

            #expect(try await chat.flow(group.uuid, for: people[0]).members == [people[0].user])
            for other in [people[1], people[2]] {
                await #expect(throws: ChatError.noSuchFlow) { try await chat.flow(group.uuid, for: other) }
                await #expect(throws: ChatError.noSuchFlow) { try await test.send("gone", to: group.uuid, by: other) }
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aGroupOfOneIsPrivate(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")

            let group = try await test.chat.createGroup(title: "mine", members: [], by: people[0])

            #expect(!group.isPublic)
            #expect(group.members == [people[0].user])
            await #expect(throws: ChatError.noSuchFlow) { try await test.chat.flow(group.uuid, for: people[1]) }
        }
    }

    @Test(arguments: StorageKind.engines) func whetherTheServerOpensMessagesIsSaid(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let group = try await test.chat.createGroup(title: "group", members: [], by: alice)
            #expect(!group.isBridged)

            try await test.chat.markBridged(group, over: nil)
            try await test.chat.markBridged(group, over: nil)

            let marked = try await test.chat.flow(group.uuid, for: alice)
            #expect(marked.isBridged)
        }
    }
}

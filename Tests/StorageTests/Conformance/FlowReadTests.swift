// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct FlowReadTests {
    @Test(arguments: StorageKind.available)
    func theChatOfTwoIsFoundInEitherOrder(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")
            let chat = try await test.createFlow(.chat, owner: bob, members: [alice])
            _ = try await test.createFlow(owner: alice, members: [carol])

            #expect(try await test.storage.chatFlow(between: alice, and: bob)?.id == chat)
            #expect(try await test.storage.chatFlow(between: bob, and: alice)?.id == chat)
            #expect(try await test.storage.chatFlow(between: alice, and: carol) == nil)
            #expect(try await test.storage.chatFlow(between: alice, and: alice) == nil)
            try await test.done(Write.DeleteFlow(chat), by: bob)
            #expect(try await test.storage.chatFlow(between: alice, and: bob) == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func membershipIsAListOfStays(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [])
            #expect(try await test.storage.memberships(of: bob, in: flow) == [])

            let joined = try await test.done(Write.AddMember(flow, bob), by: alice).position
            #expect(try await test.storage.memberships(of: bob, in: flow) == [Membership(joined: joined)])
            let left = try await test.done(Write.RemoveMember(flow, bob), by: alice).position
            let first = Membership(joined: joined, left: left)
            #expect(try await test.storage.memberships(of: bob, in: flow) == [first])
            let again = try await test.done(Write.AddMember(flow, bob), by: alice).position
            #expect(try await test.storage.memberships(of: bob, in: flow) == [first, Membership(joined: again)])
            #expect(try await test.storage.memberships(of: bob, in: FlowID(99)) == [])

            // Who was a member when.
            for (position, members) in [
                (Position(joined.rawValue - 1), [alice]), (joined, [alice, bob]), (left, [alice]),
                (again, [alice, bob]),
            ] {
                #expect(try await test.storage.members(of: flow, at: position, limit: 10) == members)
            }
            #expect(try await test.storage.members(of: flow, at: again, after: alice, limit: 10) == [bob])
            #expect(try await test.storage.members(of: flow, at: again, limit: 1) == [alice])
        }
    }

    @Test(arguments: StorageKind.engines)
    func onlyTheLastStaysAreKept(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [])
            let count = Storage.maximumStays + 10
            let writes = (0..<count).flatMap { _ in
                [
                    test.write(Write.AddMember(flow, bob), by: alice),
                    test.write(test.message("x", to: flow), by: alice),
                    test.write(Write.RemoveMember(flow, bob), by: alice),
                ]
            }
            _ = try await test.storage.commit(writes)

            let stays = try await test.storage.memberships(of: bob, in: flow)
            #expect(stays.count == Storage.maximumStays)
            let head = try await test.storage.head()
            #expect(stays.last?.left == head)
            let page = try await test.storage.updates(
                for: bob, after: .start, limit: 1000, wholeSeconds: false, .pushed)
            #expect(page.messages.count == Storage.maximumStays)
        }
    }

    @Test(arguments: StorageKind.available)
    func aMembersFlowsAreThoseOfNow(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let chat = try await test.createFlow(.chat, owner: alice, members: [bob])
            let channel = try await test.createFlow(.channel, owner: alice, members: [bob])
            let left = try await test.createFlow(owner: alice, members: [bob])
            let deleted = try await test.createFlow(owner: alice, members: [bob])
            _ = try await test.createFlow(owner: alice)
            _ = try await test.createFlow(owner: alice, members: [])
            try await test.done(Write.RemoveMember(left, bob), by: bob)
            try await test.done(Write.DeleteFlow(deleted), by: alice)
            let sent = try await test.send("hello", from: bob, to: chat)

            let flows = try await test.storage.flows(of: bob, limit: 10)

            #expect(flows.map(\.id) == [chat, channel] && flows.map(\.kind) == [.chat, .channel])
            #expect(flows.allSatisfy { $0.owner == alice && !$0.isPublic && !$0.isBridged })
            #expect(flows.first?.head == sent.position)
            #expect(flows.first?.uuid == (try await test.storage.flow(chat))?.uuid)
            #expect(try await test.storage.flows(of: bob, limit: 1).map(\.id) == [chat])
            #expect(try await test.storage.flows(of: bob, after: chat, limit: 9).map(\.id) == [channel])
        }
    }

    @Test(arguments: StorageKind.available)
    func aFlowIsMarkedBridgedOnce(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [])
            #expect(try await test.storage.flow(flow)?.isBridged == false)

            let marked = try await test.done(Write.MarkBridged(flow))
            let head = try await test.storage.head()

            #expect(try await test.done(Write.MarkBridged(flow), by: alice).existed)
            #expect(try await test.storage.head() == head && marked.position == head)
            #expect(try await test.storage.flow(flow)?.isBridged == true)
            #expect(try await test.storage.flows(of: alice, limit: 9).map(\.isBridged) == [true])
            let event = try #require(try await test.storage.events(after: .start, limit: 100).last)
            #expect(event.kind == .flow && event.flow == flow)
            #expect(try await test.refusal(of: Write.MarkBridged(flow), by: bob) == .notMember)
            #expect(try await test.refusal(of: Write.MarkBridged(FlowID(99))) == .noSuchFlow)
        }
    }

    @Test(arguments: StorageKind.available)
    func manyFlowsMergeIntoPagesInTheLogsOrder(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            var flows: [FlowID] = []
            for _ in 0..<40 { flows.append(try await test.createFlow(owner: bob, members: [alice])) }
            let cursor = try await test.storage.head()
            // One flow is busy, the others speak now and then: some chunks run out early, some often.
            let writes = (0..<2000).map { number in
                let flow = number % 10 == 0 ? flows[number / 10 % 40] : flows[7]
                return test.write(test.message("\(number)", to: flow), by: bob)
            }
            _ = try await test.storage.commit(writes)
            for limit in [1999, 300, 15, 16, 17] {
                var texts: [String?] = []
                var position = cursor
                var steps = 0
                while true {
                    let page = try await test.storage.updates(
                        for: alice, after: position, limit: limit, wholeSeconds: false)
                    texts += page.messages.map(\.text)
                    position = page.cursor
                    steps += 1
                    if !page.isCut || steps > 200 { break }
                    #expect(page.messages.count == limit)
                }
                #expect(texts == (0..<2000).map { "\($0)" }, "limit \(limit)")
            }
        }
    }
}

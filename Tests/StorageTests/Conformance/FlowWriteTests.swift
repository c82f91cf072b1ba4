// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct FlowWriteTests {
    @Test(arguments: StorageKind.available)
    func aFlowHasAllItsFields(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let new = test.newFlow(.channel, owner: alice, members: [bob, bob], title: "T'\"", info: "I")

            let receipt = try await test.done(Write.CreateFlow(new), by: alice)

            let flow = try #require(try await test.storage.flow(uuid: new.uuid))
            let owner = try #require(try await test.storage.user(alice))
            #expect(
                flow
                    == FlowRecord(
                        id: try receipt.flowID, uuid: new.uuid, kind: .channel, title: "T'\"", info: "I", owner: alice,
                        ownerUUID: owner.uuid, isPublic: false, created: test.clock.now, eventCount: 1, messageCount: 0,
                        head: receipt.position, isBridged: false))
            #expect(try await test.storage.flow(flow.id) == flow)
            #expect(try await test.storage.members(of: flow.id, limit: 10).map(\.login) == ["alice", "bob"])
            #expect(try await test.storage.flow(FlowID(99)) == nil)
            #expect(try await test.storage.flow(uuid: test.newUUID()) == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func anyTitleFits(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            // Not compressible, and longer than an entry of a tree may be.
            let title = (0..<20_000).map { String(($0 * 7919) % 46_656, radix: 36) }.joined()
            let flow = try await test.createFlow(owner: alice, title: title)

            #expect(try await test.storage.flows(title: title, limit: 10).map(\.id) == [flow])
        }
    }

    /// Under the lock of the log's head every other write waits.
    @Test(arguments: StorageKind.available)
    func aFlowTakesAsManyStatementsForAThousandMembersAsForTwo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let people = try await test.storage.commit(
                (0..<1000).map { test.write(Write.CreateUser(test.newUser("user\($0)"))) }
            ).outcomes.map { try $0.receipt.userID }
            let engine = HeldEngine(test.storage.engine)
            let storage = test.storage(over: engine, clock: ContinuousClock())
            func statements(members: [UserID]) async throws -> Int {
                let before = engine.statements
                let flow = test.newFlow(owner: people[0], members: members)
                let batch = try await storage.commit([test.write(Write.CreateFlow(flow), by: people[0])])
                let id = try batch.outcomes[0].receipt.flowID
                #expect(try await storage.members(of: id, limit: 2000).count == members.count)
                return engine.statements - before
            }

            let few = try await statements(members: Array(people.prefix(2)))
            let many = try await statements(members: people)

            #expect(few == many)
        }
    }

    @Test(arguments: StorageKind.available)
    func aFlowOfUnknownOrDeletedPeopleIsRefused(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            try await test.done(Write.DeleteUser(bob))

            let byNobody = test.newFlow(owner: UserID(99))
            #expect(try await test.refusal(of: Write.CreateFlow(byNobody), by: UserID(99)) == .noSuchUser)
            for member in [bob, UserID(99)] {
                let flow = test.newFlow(owner: alice, members: [member])
                #expect(try await test.refusal(of: Write.CreateFlow(flow), by: alice) == .noSuchUser)
            }
            #expect(try await test.storage.counts().flows == 0)
        }
    }

    @Test(arguments: StorageKind.available)
    func twoPeopleHaveOneChat(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")

            let first = try await test.done(
                Write.CreateFlow(test.newFlow(.chat, owner: alice, members: [bob])), by: alice)
            let second = try await test.done(
                Write.CreateFlow(test.newFlow(.chat, owner: bob, members: [alice])), by: bob)
            let third = try await test.done(
                Write.CreateFlow(test.newFlow(.chat, owner: bob, members: [carol])), by: bob)

            #expect(!first.existed && second.existed && second.result == first.result)
            #expect(!third.existed && third.result != first.result)
            #expect(try await test.storage.counts().flows == 2)
            for members in [[], [bob, carol]] {
                let odd = test.newFlow(.chat, owner: alice, members: members)
                #expect(try await test.perform(Write.CreateFlow(odd), by: alice).failure?.code == .writeFailed)
            }
            // Once deleted, the two can begin again.
            try await test.done(Write.DeleteFlow(try first.flowID), by: alice)
            let fourth = try await test.done(
                Write.CreateFlow(test.newFlow(.chat, owner: bob, members: [alice])), by: bob)
            #expect(!fourth.existed && fourth.result != first.result)
        }
    }

    @Test(arguments: StorageKind.available)
    func onlyTheOwnerAndTheOperatorChangeAFlow(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")
            let flow = try await test.createFlow(owner: alice, members: [bob])

            let change = Write.UpdateFlow(flow, title: "new", info: nil)
            #expect(try await test.refusal(of: change, by: bob) == .mayNotWrite)
            #expect(try await test.refusal(of: change, by: carol) == .notMember)
            #expect(try await test.refusal(of: Write.DeleteFlow(flow), by: bob) == .mayNotWrite)
            #expect(try await test.refusal(of: Write.AddMember(flow, carol), by: bob) == .mayNotWrite)
            #expect(
                try await test.refusal(of: Write.UpdateFlow(FlowID(99), title: "", info: ""), by: alice) == .noSuchFlow)
            try await test.done(change, by: alice)
            #expect(try await test.storage.flow(flow)?.title == "new")
            #expect(try await test.storage.flow(flow)?.info == "info")
            try await test.done(Write.UpdateFlow(flow, title: nil, info: "newer"))
            #expect(try await test.storage.flow(flow)?.info == "newer")
            try await test.done(Write.DeleteUser(alice))
            #expect(try await test.refusal(of: change, by: alice) == .accountDeleted)
        }
    }

    @Test(arguments: StorageKind.available)
    func typeAndOwnerChangeWithTheRights(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")
            let group = try await test.createFlow(owner: alice, members: [bob])
            let chat = try await test.done(Write.CreateFlow(test.newFlow(.chat, owner: alice, members: [bob]))).flowID
            func change(
                _ flow: FlowID, _ kind: FlowRecord.Kind? = nil, owner: UserID? = nil
            ) -> Write.UpdateFlow {
                Write.UpdateFlow(flow, title: nil, info: nil, kind: kind, owner: owner)
            }

            // One batch: what follows is judged by the new rights.
            let batch = try await test.storage.commit([
                test.write(change(group, .channel, owner: bob), by: alice),
                test.write(test.message("no", to: group), by: alice),
                test.write(test.message("yes", to: group), by: bob),
            ])
            #expect(batch.outcomes.map(\.refusal) == [nil, .mayNotWrite, nil])
            let changed = try #require(try await test.storage.flow(group))
            #expect(changed.kind == .channel && changed.owner == bob && changed.title == "title")
            #expect(try await test.refusal(of: test.message("no", to: group), by: alice) == .mayNotWrite)
            #expect(try await test.refusal(of: change(group, .group), by: alice) == .mayNotWrite)
            #expect(try await test.refusal(of: change(group, owner: carol), by: bob) == .notMember)
            #expect(try await test.refusal(of: change(group, owner: UserID(99))) == .noSuchUser)
            #expect(try await test.refusal(of: change(group, .chat)) == .membershipFixed)
            #expect(try await test.refusal(of: change(chat, .group)) == .membershipFixed)
            #expect(try await test.refusal(of: change(chat, owner: bob)) == .membershipFixed)
            try await test.done(change(chat, .chat, owner: alice))
            try await test.done(change(group, .group))
            try await test.done(test.message("again", to: group), by: alice)
        }
    }

    @Test(arguments: StorageKind.available)
    func membersComeAndGo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")
            let flow = try await test.createFlow(owner: alice, members: [])
            let logins = { try await test.storage.members(of: flow, limit: 10).map(\.login) }

            #expect(try await test.refusal(of: test.message("hi", to: flow), by: bob) == .notMember)
            try await test.done(Write.AddMember(flow, bob), by: alice)
            let joined = try await test.storage.head()
            #expect(try await test.done(Write.AddMember(flow, bob), by: alice).existed)
            #expect(try await test.storage.head() == joined)
            #expect(try await logins() == ["alice", "bob"])
            try await test.send("hi", from: bob, to: flow)

            #expect(try await test.refusal(of: Write.RemoveMember(flow, carol), by: alice) == .notMember)
            #expect(try await test.refusal(of: Write.RemoveMember(flow, alice), by: alice) == .membershipFixed)
            #expect(try await test.refusal(of: Write.AddMember(flow, UserID(99)), by: alice) == .noSuchUser)
            #expect(try await test.refusal(of: Write.RemoveMember(FlowID(99), bob), by: bob) == .noSuchFlow)
            try await test.done(Write.RemoveMember(flow, bob), by: bob)
            #expect(try await logins() == ["alice"])
            #expect(try await test.refusal(of: test.message("hi", to: flow), by: bob) == .notMember)
            try await test.done(Write.AddMember(flow, bob))
            try await test.done(Write.AddMember(flow, carol))
            #expect(try await logins() == ["alice", "bob", "carol"])
            let second = try await test.storage.members(of: flow, after: alice, limit: 1)
            #expect(second.map(\.user) == [bob])
            try await test.done(Write.RemoveMember(flow, bob), by: alice)
            #expect(try await logins() == ["alice", "carol"])

            let lobby = try await test.createFlow(owner: alice)
            let chat = try await test.createFlow(.chat, owner: alice, members: [bob])
            for fixed in [lobby, chat] {
                #expect(try await test.refusal(of: Write.AddMember(fixed, carol), by: alice) == .membershipFixed)
                #expect(try await test.refusal(of: Write.RemoveMember(fixed, bob), by: bob) == .membershipFixed)
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func aDeletedFlowIsGoneAtOnceAndPurgedInSteps(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let kept = try await test.createFlow(owner: alice)
            let flow = try await test.createFlow(owner: alice, members: [])
            let blob = NewBlob(name: "file", sha256: [UInt8](repeating: 1, count: 32), bytes: [1, 2, 3])
            let first = try await test.done(test.message("secret word", to: flow, blobs: [blob]), by: alice)
            for number in 0..<10 { try await test.send("secret \(number)", from: alice, to: flow) }
            try await test.done(
                Write.EditMessage(
                    flow: flow, message: first.position, content: StorageUnderTest.content("secret edit")),
                by: alice)
            let stays = try await test.send("secret stays", from: alice, to: kept)
            let found = try await test.storage.messages(matching: ["secret"], limit: 20, text: StorageUnderTest.text)
            #expect(found.messages.count == 12)

            try await test.done(Write.DeleteFlow(flow), by: alice)

            #expect(try await test.storage.flow(flow) == nil)
            #expect(try await test.storage.message(at: first.position) == nil)
            #expect(try await test.storage.flows(limit: 10).map(\.id) == [kept])
            #expect(try await test.storage.counts() == StorageCounts(users: 1, flows: 1, messages: 1))
            #expect(try await test.storage.members(of: flow, limit: 10) == [])
            #expect(try await test.refusal(of: test.message("late", to: flow), by: alice) == .noSuchFlow)
            #expect(try await test.refusal(of: Write.DeleteFlow(flow), by: alice) == .noSuchFlow)
            let search = {
                try await test.storage.messages(matching: ["secret"], limit: 1, text: StorageUnderTest.text)
            }
            #expect(try await search().messages.map(\.position) == [stays.position])

            var steps = 1
            while try await !test.storage.purgeDeletedFlows(limit: 4) { steps += 1 }
            #expect(steps > 3)
            let left = try await test.storage.events(after: .start, limit: 100)
            #expect(left.allSatisfy { $0.flow != flow })
            #expect(try await search().messages.map(\.position) == [stays.position])
            let index = try #require(try await test.storage.engine.searchIndex())
            while try await test.storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}
            let indexed = try await index.read { connection in
                try connection.rows("SELECT count(*) FROM message_search")
            }
            #expect(indexed == [[.int(1)]])
            test.clock.advance(milliseconds: 2 * Blobs.gracePeriodSeconds * 1000)
            #expect(try await test.storage.collectBlobs() == 1)
            // Positions go on after the gap.
            let next = try await test.send("next", from: alice, to: kept)
            #expect(next.number == 1)
            #expect(try await test.storage.cursor(before: test.clock.now).rawValue == next.position.rawValue - 1)
        }
    }

    @Test(arguments: StorageKind.available)
    func flowsAreFoundByTitleByTimeAndByWhoSeesThem(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            var flows: [FlowID] = []
            for number in 0..<6 {
                flows.append(
                    try await test.createFlow(
                        owner: alice, members: number % 2 == 0 ? nil : [], title: number < 3 ? "low" : "high"))
                test.clock.advance(milliseconds: 10)
            }
            let third = try #require(try await test.storage.flow(flows[2])).created

            let storage = test.storage
            #expect(try await storage.flows(title: "low", limit: 10).map(\.id) == Array(flows[..<3]))
            #expect(try await storage.flows(title: "low", after: flows[0], limit: 1).map(\.id) == [flows[1]])
            #expect(try await storage.flows(title: "LOW", limit: 10) == [])
            #expect(try await storage.flows(created: .exactly, third, limit: 10).map(\.id) == [flows[2]])
            #expect(try await storage.flows(created: .atOrBefore, third, limit: 10).map(\.id) == Array(flows[...2]))
            #expect(try await storage.flows(created: .atOrAfter, third, limit: 2).map(\.id) == Array(flows[2...3]))
            let page = try await storage.flows(created: .atOrAfter, third, after: flows[3], limit: 9)
            #expect(page.map(\.id) == Array(flows[4...]))
            #expect(try await storage.flows(visibleTo: alice, limit: 10).map(\.id) == flows)
            #expect(try await storage.flows(visibleTo: bob, limit: 10).map(\.id) == [flows[0], flows[2], flows[4]])
            #expect(try await storage.flows(visibleTo: bob, after: flows[0], limit: 1).map(\.id) == [flows[2]])
            #expect(try await storage.flows(after: flows[3], limit: 10).map(\.id) == Array(flows[4...]))
        }
    }
}

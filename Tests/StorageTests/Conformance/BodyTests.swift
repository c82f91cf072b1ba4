// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct BodyTests {
    private func body(_ recipient: UserID, _ text: String) -> NewBody {
        NewBody(recipient: recipient, body: Array("body \(text)".utf8), key: Array("key \(text)".utf8))
    }

    private func encrypted(_ bodies: [NewBody], to flow: FlowID) -> Write.SendMessage {
        Write.SendMessage(flow: flow, content: Array(#"{"encrypted":true}"#.utf8), blobs: [], bodies: bodies)
    }

    private func text(_ body: MessageBody?) -> String? {
        body.map { String(decoding: $0.body + [0x7C] + $0.key, as: UTF8.self) }
    }

    @Test(arguments: StorageKind.available)
    func eachMemberReadsTheirOwnBody(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")
            let other = try await test.createUser("other")
            let gone = try await test.createUser("gone")
            let flow = try await test.createFlow(owner: alice, members: [bob, carol, gone])
            try await test.done(Write.RemoveMember(flow, gone), by: alice)

            // For two who are no members nothing is kept; the second one for bob does not count.
            let sent = try await test.done(
                encrypted(
                    [
                        body(bob, "b"), body(other, "o"), body(gone, "g"), body(carol, "c"), body(bob, "again"),
                        body(UserID(99), "nobody"),
                    ], to: flow), by: alice)
            let plain = try await test.send("plain", from: alice, to: flow)

            let all = [bob, carol, other, gone, alice]
            let found = try await test.storage.bodies(at: sent.position, for: all)
            #expect(found.mapValues { text($0) } == [bob: "body b|key b", carol: "body c|key c"])
            let positions = [plain.position, sent.position]
            #expect(
                try await test.storage.bodies(at: positions, for: bob).mapValues { text($0) }
                    == [sent.position: "body b|key b"])
            #expect(try await test.storage.bodies(at: positions, for: alice) == [:])
            #expect(try await test.storage.bodies(at: [], for: bob) == [:])
            #expect(try await test.storage.bodies(at: sent.position, for: []) == [:])
        }
    }

    @Test(arguments: StorageKind.available)
    func readsForAReaderBringTheBody(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            var writes: [Write] = []
            for number in 0..<6 {
                let action =
                    number % 2 == 0
                    ? encrypted([body(bob, "\(number)"), body(alice, "a\(number)")], to: flow)
                    : test.message("plain \(number)", to: flow)
                writes.append(test.write(action, by: alice))
            }
            let batch = try await test.storage.commit(writes)
            let expected = ["body 0|key 0", nil, "body 2|key 2", nil, "body 4|key 4", nil]

            let page = try await test.storage.messages(in: flow, numbers: 0..<10, reader: bob)
            #expect(page.messages.map { text($0.body) } == expected)
            let first = try #require(page.messages.first)
            #expect(text(try await test.storage.message(uuid: first.uuid, reader: alice)?.body) == "body a0|key a0")
            #expect(try await test.storage.message(at: first.position)?.body == nil)
            #expect(try await test.storage.messages(in: flow, numbers: 0..<10).messages.allSatisfy { $0.body == nil })

            // An edit from after the cursor brings its message with the body.
            let cursor = try await test.storage.head()
            let edit = Write.EditMessage(
                flow: flow, message: try batch.outcomes[2].receipt.position, content: StorageUnderTest.content("new"))
            try await test.done(edit, by: alice)
            let news = { (cursor: Position, bodies: Bool) in
                try await test.storage.updates(
                    for: bob, after: cursor, limit: 100, wholeSeconds: false, bodies: bodies
                ).messages.map { text($0.body) }
            }
            #expect(try await news(.start, true) == expected)
            #expect(try await news(.start, false) == Array(repeating: nil, count: 6))
            #expect(try await news(cursor, true) == ["body 2|key 2"])
        }
    }

    @Test(arguments: StorageKind.available)
    func aDeletedMessageLosesItsBodies(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            var positions: [Position] = []
            for number in 0..<3 {
                let action = encrypted([body(bob, "\(number)")], to: flow)
                positions.append(try await test.done(action, by: alice).position)
            }

            try await test.done(Write.DeleteMessage(flow: flow, message: positions[1]), by: alice)

            let left = try await test.storage.bodies(at: positions, for: bob)
            #expect(Set(left.keys) == [positions[0], positions[2]])
            try await test.done(Write.DeleteFlow(flow), by: alice)
            while try await !test.storage.purgeDeletedFlows() {}
            #expect(try await test.storage.bodies(at: positions, for: bob) == [:])
        }
    }

    @Test(arguments: StorageKind.available)
    func aPublicGroupKeepsBodiesForEverybody(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let gone = try await test.createUser("gone")
            try await test.done(Write.DeleteUser(gone))
            let flow = try await test.createFlow(owner: alice)

            let sent = try await test.done(encrypted([body(bob, "b"), body(gone, "g")], to: flow), by: alice)

            let found = try await test.storage.bodies(at: sent.position, for: [alice, bob, gone])
            #expect(Set(found.keys) == [bob])
        }
    }

    @Test(arguments: StorageKind.available)
    func largeBodiesCutPages(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            let large = [UInt8](repeating: 0x41, count: 9 << 20)
            var positions: [Position] = []
            for _ in 0..<6 {
                let action = encrypted([NewBody(recipient: bob, body: large, key: [])], to: flow)
                positions.append(try await test.done(action, by: alice).position)
            }
            let cursor = Position(positions[0].rawValue - 1)

            let page = try await test.storage.messages(in: flow, numbers: 0..<6, reader: bob)
            let news = try await test.storage.updates(
                for: bob, after: cursor, limit: 100, wholeSeconds: false, bodies: true)
            let rest = try await test.storage.updates(
                for: bob, after: news.cursor, limit: 100, wholeSeconds: false, bodies: true)

            #expect(page.isCut && page.messages.map(\.number) == [0, 1, 2, 3])
            #expect(news.isCut && news.messages.map(\.number) == [0, 1, 2, 3])
            #expect(!rest.isCut && rest.messages.map(\.number) == [4, 5])
            #expect((news.messages + rest.messages).allSatisfy { $0.body?.body.count == large.count })
            #expect(try await test.storage.bodies(at: positions, for: bob).count == 4)
            #expect(try await test.storage.messages(in: flow, numbers: 0..<6).messages.count == 6)
        }
    }

    @Test(arguments: StorageKind.available)
    func aGroupMessageMayHaveManyBodies(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let new = (0..<1000).map { test.newUser("user\($0)") }
            let batch = try await test.storage.commit(new.map { test.write(Write.CreateUser($0)) })
            let users = try batch.outcomes.map { try $0.receipt.userID }
            let flow = try await test.createFlow(owner: users[0], members: Array(users.dropFirst()))

            let sent = try await test.done(encrypted(users.map { body($0, "\($0.rawValue)") }, to: flow), by: users[0])

            let found = try await test.storage.bodies(at: sent.position, for: users)
            #expect(found.count == 1000)
            #expect(text(found[users[500]]) == "body \(users[500].rawValue)|key \(users[500].rawValue)")
        }
    }
}

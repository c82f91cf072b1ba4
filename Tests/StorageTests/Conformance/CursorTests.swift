// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct CursorTests {
    @Test(arguments: StorageKind.available)
    func cursorsNeverGoBack(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            func cursor(_ user: UserID, _ device: String, _ position: Int64) -> DeviceCursor {
                DeviceCursor(user: user, device: device, position: Position(position))
            }
            let head = try await test.storage.head()

            try await test.storage.saveCursors([])
            try await test.storage.saveCursors([
                cursor(alice, "b", 7), cursor(bob, "", 3), cursor(alice, "a", 5), cursor(alice, "b", 6),
            ])
            try await test.storage.saveCursors([cursor(alice, "a", 4), cursor(bob, "", 9)])

            #expect(try await test.storage.cursor(of: alice, device: "a") == Position(5))
            #expect(try await test.storage.cursor(of: bob, device: "") == Position(9))
            #expect(try await test.storage.cursor(of: bob, device: "a") == nil)
            #expect(try await test.storage.cursors(of: alice) == [cursor(alice, "a", 5), cursor(alice, "b", 7)])
            #expect(try await test.storage.head() == head)
            try await test.done(Write.DeleteUser(alice))
            #expect(try await test.storage.cursors(of: alice) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func manyCursorsAreSavedAtOnce(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let cursors = (0..<12_000).map {
                DeviceCursor(user: alice, device: "session \($0)", position: Position(Int64($0)))
            }

            try await test.storage.saveCursors(cursors.shuffled())

            #expect(try await test.storage.cursors(of: alice).count == 12_000)
            #expect(try await test.storage.cursor(of: alice, device: "session 11999") == Position(11_999))
        }
    }

    private static func session(of user: UserID, in test: StorageUnderTest) async throws -> SessionRecord {
        guard let first = try await test.storage.sessions(of: user).first else {
            throw StorageTestError("there is no session")
        }
        return first
    }

    @Test(arguments: StorageKind.available)
    func sessionsSayWhereAndWhenTheyWereSeen(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let new = NewSession(
                tokenHash: [UInt8](repeating: 1, count: 32), protocol: "skaro", address: "127.0.0.1",
                lifetimeSeconds: 60, node: NodeID(3), device: "pocket")
            let session = try await test.done(Write.OpenSession(alice, new)).result
            #expect(try await Self.session(of: alice, in: test).node == NodeID(3))
            #expect(try await Self.session(of: alice, in: test).device == "pocket")

            test.clock.advance(milliseconds: 10)
            let later = test.clock.now
            try await test.storage.saveCursors(
                [DeviceCursor(user: alice, device: "d", position: Position(1))], seen: [session: later], node: NodeID(4)
            )
            #expect(try await Self.session(of: alice, in: test).lastSeen == later)
            #expect(try await Self.session(of: alice, in: test).node == NodeID(4))
            #expect(try await test.storage.cursor(of: alice, device: "d") == Position(1))
            // What another node knew before.
            let created = try await Self.session(of: alice, in: test).created
            try await test.storage.touch([session: created], node: NodeID(3))
            #expect(try await Self.session(of: alice, in: test).lastSeen == later)
            #expect(try await Self.session(of: alice, in: test).node == NodeID(4))
            test.clock.advance(milliseconds: 1)
            try await test.storage.touch([session: test.clock.now, SessionID(99): test.clock.now])
            #expect(try await Self.session(of: alice, in: test).lastSeen == test.clock.now)
            #expect(try await Self.session(of: alice, in: test).node == NodeID(4))
            try await test.storage.touch([session: test.clock.now], node: .unknown)
            #expect(try await Self.session(of: alice, in: test).node == .unknown)
        }
    }

    @Test(arguments: StorageKind.available)
    func aClockThatWasFarAheadDoesNotFixWhereASessionIs(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let new = NewSession(
                tokenHash: [UInt8](repeating: 1, count: 32), protocol: "skaro", address: "127.0.0.1",
                lifetimeSeconds: 60)
            let session = try await test.done(Write.OpenSession(alice, new)).result
            let now = test.clock.now
            func seen(ahead milliseconds: Int64, node: Int64) async throws -> SessionRecord {
                let time = Timestamp(milliseconds: now.milliseconds + milliseconds)
                try await test.storage.touch([session: time], node: NodeID(node))
                return try await Self.session(of: alice, in: test)
            }

            #expect(try await seen(ahead: 3_600_000, node: 1).node == NodeID(1))
            // It may be what another node knew before.
            #expect(try await seen(ahead: 0, node: 2).node == NodeID(1))
            #expect(try await seen(ahead: 3_600_001, node: 3).node == NodeID(3))
            let right = try await seen(ahead: 0, node: 4)
            #expect(right.node == NodeID(4) && right.lastSeen == now)
        }
    }

    /// alice sees a public group and a chat with bob, not the group of bob and carol.
    private func fill(_ test: StorageUnderTest, count: Int) async throws -> (alice: UserID, own: [Receipt<Int64>]) {
        let bob = try await test.createUser("bob")
        let group = try await test.createFlow(owner: bob)
        for number in 0..<5 { try await test.send("before \(number)", from: bob, to: group) }
        test.clock.advance(milliseconds: 10)
        let alice = try await test.createUser("alice")
        let carol = try await test.createUser("carol")
        let chat = try await test.createFlow(.chat, owner: alice, members: [bob])
        let other = try await test.createFlow(owner: bob, members: [carol])
        var seen: [Receipt<Int64>] = []
        for number in 0..<count {
            let flow = [group, other, chat][number % 3]
            let receipt = try await test.send("\(number)", from: bob, to: flow)
            if flow != other { seen.append(receipt) }
            if number % 7 == 0 {
                try await test.done(Write.UpdateFlow(group, title: "\(number)", info: nil), by: bob)
                let edit = Write.EditMessage(
                    flow: flow, message: receipt.position, content: StorageUnderTest.content("edited"))
                try await test.done(edit, by: bob)
            }
        }
        return (alice, seen)
    }

    @Test(arguments: StorageKind.available)
    func aNewDeviceBeginsAtTheAccountsCreation(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (alice, own) = try await fill(test, count: 30)
            let created = try #require(
                try await test.storage.events(after: .start, limit: 100)
                    .first { $0.kind == .user && $0.subject == alice.rawValue }
            ).position

            let start = try await test.storage.startPosition(of: alice, device: "new", backlog: 1000)

            #expect(start == Position(created.rawValue - 1))
            let page = try await test.storage.updates(for: alice, after: start, limit: 1000, wholeSeconds: false)
            #expect(Set(page.messages.map(\.position)) == Set(own.map(\.position)))
            #expect(try await test.storage.startPosition(of: alice, device: "new", backlog: own.count) == start)
            #expect(
                try await test.storage.startPosition(of: UserID(99), device: "", backlog: 10)
                    == (try await test.storage.head()))
        }
    }

    @Test(arguments: StorageKind.available)
    func aNewDeviceGoesBackNoFurtherThanTheBacklog(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (alice, own) = try await fill(test, count: 60)
            for backlog in [0, 1, 2, 7, 39] {
                let start = try await test.storage.startPosition(of: alice, device: "new", backlog: backlog)

                #expect(own.filter { $0.position > start }.count == backlog)
                #expect(start >= own[own.count - backlog - 1].position)
            }
            let none = try await test.storage.startPosition(of: alice, device: "new", backlog: -1)
            #expect(none >= own[own.count - 1].position)

            let known = DeviceCursor(user: alice, device: "old", position: Position(3))
            try await test.storage.saveCursors([known])
            #expect(try await test.storage.startPosition(of: alice, device: "old", backlog: 1) == Position(3))
        }
    }

    /// Only the flows that ended last are asked for their messages, and the list of flows is read once.
    @Test(arguments: StorageKind.available)
    func aNewDeviceAsksManyFlowsNoMoreThanFew(kind: StorageKind) async throws {
        var statements: [Int] = []
        for count in [8, 128] {
            try await StorageUnderTest.with(kind) { test in
                let alice = try await test.createUser("alice")
                for _ in 0..<count {
                    let flow = try await test.createFlow(owner: alice, members: [])
                    try await test.send("old", from: alice, to: flow)
                }
                let last = try await test.createFlow(owner: alice, members: [])
                var sent: [Receipt<Int64>] = []
                for number in 0..<5 { sent.append(try await test.send("\(number)", from: alice, to: last)) }
                let engine = HeldEngine(test.storage.engine)

                let start = try await test.storage(over: engine, clock: ContinuousClock())
                    .startPosition(of: alice, device: "new", backlog: 3)

                #expect(sent.filter { $0.position > start }.count == 3)
                statements.append(engine.statements)
            }
        }
        // The search for the account's creation takes one step more for twice as long a log.
        #expect(statements[1] <= statements[0] + 5)
    }
}

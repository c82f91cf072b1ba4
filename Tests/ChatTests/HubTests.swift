// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Live connections: who is told that there is news, and whose session is over.
///
/// Hints come in the order of the log. So who gets the hint of something public as the first one got none of what came
/// before.
@Suite(.timeLimit(.minutes(10))) struct HubTests {
    private static func attach(_ people: [Principal], in test: ChatUnderTest) async throws -> [RecordingConnection] {
        try await test.settled()
        return people.map { person in
            let connection = RecordingConnection()
            test.chat.hub.attach(connection, principal: person, wantsNews: true)
            return connection
        }
    }

    @Test(arguments: StorageKind.engines, [FlowRecord.Kind.chat, .group, .channel])
    func membersAreToldAndNobodyElse(on kind: StorageKind, flowKind: FlowRecord.Kind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let flow = try await test.createFlow(flowKind, members: Array(people.prefix(2)), by: people[0])
            let open = try await test.createFlow(by: people[0])
            try await test.send("not told yet", to: flow, by: people[0])
            let connections = try await Self.attach(people, in: test)

            let sent = try await test.send("hi", to: flow, by: people[0])
            for connection in connections.prefix(2) { await connection.hint() }
            _ = try await test.chat.edit(sent.uuid, text: "hello", by: people[0])
            for connection in connections.prefix(2) { await connection.hint() }
            _ = try await test.chat.delete(sent.uuid, in: flow, by: people[0])
            for connection in connections.prefix(2) { await connection.hint() }
            try await test.send("for all", to: open, by: people[0])
            for connection in connections { await connection.hint() }

            #expect(connections.map(\.hintCount) == [4, 4, 1])
        }
    }

    @Test(arguments: StorageKind.engines) func ofPublicFlowsAndAccountsAllAreTold(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let connections = try await Self.attach(people, in: test)

            let flow = try await test.createFlow(.channel, by: people[0])
            for connection in connections { await connection.hint() }
            try await test.send("for all", to: flow, by: people[0])
            for connection in connections { await connection.hint() }
            try await test.register("carol")
            for connection in connections { await connection.hint() }
            // A login is nobody's news.
            try await test.logIn("carol")
            try await test.send("again", to: flow, by: people[0])
            for connection in connections { await connection.hint() }

            #expect(connections.map(\.hintCount) == [4, 4])
        }
    }

    @Test(arguments: StorageKind.engines) func whoIsAddedToAFlowIsTold(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let group = try await test.createFlow(members: [people[0]], by: people[0])
            let id = try #require(try await test.storage.flow(uuid: group)).id
            try await test.send("nobody is there", to: group, by: people[0])
            let bob = try await Self.attach(people, in: test)[1]

            try await test.send("private", to: group, by: people[0])
            _ = try await test.chat.write(Write.AddMember(id, people[1].user), by: nil)
            await bob.hint()
            #expect(bob.hintCount == 1)
            try await test.send("for bob too", to: group, by: people[0])
            await bob.hint()
            #expect(bob.hintCount == 2)

        }
    }

    @Test(arguments: StorageKind.engines) func whoLeftAFlowIsToldOfNothingMore(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let group = try await test.createFlow(members: [people[1]], by: people[0])
            let open = try await test.createFlow(by: people[0])
            let id = try #require(try await test.storage.flow(uuid: group)).id
            let witness = try await Self.attach([people[0]], in: test)[0]
            _ = try await test.chat.write(Write.RemoveMember(id, people[1].user), by: nil)
            try await test.send("first", to: group, by: people[0])
            await witness.hint()
            let bob = try await Self.attach([people[1]], in: test)[0]

            try await test.send("private", to: group, by: people[0])
            try await test.send("for all", to: open, by: people[0])
            await bob.hint()

            #expect(bob.hintCount <= 2)
        }
    }

    @Test func everyConnectionOfAnAccountIsToldIfItWants() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let phone = try await test.logIn("alice").principal
            let flow = try await test.createFlow(members: [alice], by: alice)
            try await test.send("0", to: flow, by: alice)
            try await test.settled()
            let connections = (0..<3).map { _ in RecordingConnection() }
            test.chat.hub.attach(connections[0], principal: alice, wantsNews: true)
            test.chat.hub.attach(connections[1], principal: phone, wantsNews: true)
            test.chat.hub.attach(connections[2], principal: alice, wantsNews: false)
            #expect(test.chat.hub.counts == (3, 2))

            try await test.send("1", to: flow, by: alice)
            await connections[0].hint()
            await connections[1].hint()

            // Again, with another wish; and one goes away.
            test.chat.hub.attach(connections[2], principal: alice, wantsNews: true)
            test.chat.hub.attach(connections[2], principal: alice, wantsNews: true)
            test.chat.hub.detach(connections[0])
            #expect(test.chat.hub.counts == (2, 2))
            try await test.send("2", to: flow, by: alice)
            await connections[1].hint()
            await connections[2].hint()
            #expect(connections.map(\.hintCount) == [1, 2, 1])

            #expect(test.chat.hub.isConnected(alice.user))
            for connection in connections { test.chat.hub.detach(connection) }
            #expect(test.chat.hub.counts == (0, 0))
            #expect(!test.chat.hub.isConnected(alice.user))
        }
    }

    @Test(arguments: StorageKind.engines) func connectionsOfARevokedSessionAreTold(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let first = try await test.register("alice").principal
            let second = try await test.logIn("alice").principal
            let other = try await test.register("bob").principal
            let connections = (0..<4).map { _ in RecordingConnection() }
            test.chat.hub.attach(connections[0], principal: first, wantsNews: false)
            test.chat.hub.attach(connections[1], principal: first, wantsNews: true)
            test.chat.hub.attach(connections[2], principal: second, wantsNews: true)
            test.chat.hub.attach(connections[3], principal: other, wantsNews: true)

            _ = try await test.chat.write(Write.RevokeSessions(first.user, first.session), by: nil)
            await connections[0].revocation()
            await connections[1].revocation()
            // Revocations are looked after one by one: when the next is through, the first has reached all it reaches.
            _ = try await test.chat.write(Write.RevokeSessions(other.user, nil), by: nil)
            await connections[3].revocation()

            #expect(connections.map(\.revoked.count) == [1, 1, 0, 1])
        }
    }

    @Test(arguments: StorageKind.engines) func aDeletedAccountsConnectionsAreTold(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let connection = RecordingConnection()
            test.chat.hub.attach(connection, principal: alice, wantsNews: false)

            _ = try await test.chat.write(Write.DeleteUser(alice.user), by: nil)

            await connection.revocation()
        }
    }

    @Test(arguments: StorageKind.engines) func aNewPasswordTellsTheOthers(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let kept = try await test.register("alice").principal
            let other = try await test.logIn("alice").principal
            let bob = try await test.register("bob").principal
            let connections = (0..<3).map { _ in RecordingConnection() }
            for (connection, principal) in zip(connections, [kept, other, bob]) {
                test.chat.hub.attach(connection, principal: principal, wantsNews: false)
            }
            let hash = try await test.chat.hash(Password("new"))

            _ = try await test.chat.write(Write.SetPassword(kept.user, hash: hash, keeping: kept.session), by: nil)
            await connections[1].revocation()
            // Looked after one by one, as above.
            _ = try await test.chat.write(Write.RevokeSessions(bob.user, nil), by: nil)
            await connections[2].revocation()

            #expect(connections.map(\.revoked.count) == [0, 1, 1])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Logging
import Storage
import Synchronization
import Testing

/// A server in the list of those that share the store.
struct ClusterMembershipTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func membership(_ chat: Chat, name: String = "alpha", clients: Int = 0) -> ClusterMembership {
        ClusterMembership(chat: chat, name: name, pause: .milliseconds(1), clients: { clients })
    }

    @Test(arguments: StorageKind.engines) func listHasTheServerUntilItLeaves(_ kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let membership = membership(test.chat, clients: 3)
            await membership.join(["mtp": "ws://192.0.2.1:80/ws", "fastchat": "tcp://192.0.2.1:8010"])

            let node = try #require(try await test.chat.serverNodes().first)
            #expect(node.id == test.chat.policy.node.id)
            #expect(node.name == "alpha")
            #expect(node.clients == 3)
            #expect(node.endpoints == ["mtp": "ws://192.0.2.1:80/ws", "fastchat": "tcp://192.0.2.1:8010"])
            #expect(!node.isSilent)

            await membership.leave()
            await membership.beat()
            #expect(try await test.chat.serverNodes().isEmpty)
        }
    }

    @Test(arguments: StorageKind.engines) func drainingIsHeardAndOutlivesTheRow(_ kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let membership = membership(test.chat)
            await membership.join([:])
            let first = test.chat.policy.node.id
            #expect(!membership.isDraining)

            _ = try await test.storage.setDraining(first, true)
            await membership.beat()
            #expect(membership.isDraining)

            _ = try await test.storage.removeNode(first)
            await membership.beat()
            let node = try #require(try await test.chat.serverNodes().first)
            #expect(node.id != first)
            #expect(node.id == test.chat.policy.node.id)
            #expect(node.isDraining)

            _ = try await test.storage.setDraining(node.id, false)
            await membership.beat()
            #expect(!membership.isDraining)
        }
    }

    @Test func whatAnEarlierLifeLeftGoesWhenNobodyElseHasTheStore() async throws {
        try await ChatUnderTest.with { test in
            _ = try await test.storage.registerNode(NewNode(name: "before", address: ""))
            test.wallClock.advance(milliseconds: 5)

            await membership(test.chat).join([:])

            #expect(try await test.chat.serverNodes().map(\.name) == ["alpha"])
        }
    }

    @Test func storeOutOfReachIsTriedAgain() async throws {
        try await ChatUnderTest.with { test in
            let membership = membership(test.chat)
            let failure = StorageError(.unavailable, "out of reach")
            test.engine.failWrites(with: failure)
            await membership.join(["mtp": "ws://192.0.2.1:80/ws"])
            #expect(test.chat.policy.node.id == .unknown)

            test.engine.failWrites(with: nil)
            await membership.beat()

            #expect(try await test.chat.serverNodes().map(\.id) == [test.chat.policy.node.id])
        }
    }

    // MARK: The balancer over the list

    @Test(arguments: StorageKind.engines) func balancerNamesWhoServes(_ kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let clock = StandingClock()
            let balancer = NodeBalancer(
                storage: test.storage, algorithm: .roundRobin, instant: { clock.now }, logger: Self.silent)
            #expect(await balancer.next() == nil)

            await membership(test.chat).join(["fastchat": "tcp://192.0.2.1:8010"])
            clock.advance(by: .seconds(1))
            #expect(await balancer.next(offering: "fastchat")?.id == test.chat.policy.node.id)
            #expect(await balancer.next(offering: "carrier pigeon") == nil)

            _ = try await test.storage.setDraining(test.chat.policy.node.id, true)
            clock.advance(by: .seconds(1))
            #expect(await balancer.next() == nil)
        }
    }

    @Test func listThatWasReadLastIsGoodUntilItsHeartbeatsAreOld() async throws {
        try await ChatUnderTest.with { test in
            let clock = StandingClock()
            let balancer = NodeBalancer(
                storage: test.chat.storage, algorithm: .minimumConnect, instant: { clock.now }, logger: Self.silent)
            await membership(test.chat).join([:])
            #expect(await balancer.next() != nil)

            test.engine.failReads(with: StorageError(.unavailable, "out of reach"))
            clock.advance(by: .seconds(9))
            #expect(await balancer.next() != nil)
            clock.advance(by: .seconds(2))
            #expect(await balancer.next() == nil)
        }
    }

    // MARK: Where sessions are

    @Test(arguments: StorageKind.engines) func sessionIsSaidToBeWhereItIs(_ kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            await membership(test.chat, name: "here").join([:])
            let alice = try await test.register("alice").asker
            func place() async throws -> SessionPlace? {
                try await test.chat.places(of: try await test.storage.sessions(of: alice.user)).first
            }
            #expect(try await place() == .offline)

            let connection = StillConnection()
            test.chat.hub.attach(connection, asker: alice, wantsNews: false)
            #expect(try await place() == .node("here"))
            test.chat.hub.detach(connection)
            await test.chat.cursors.save()
            #expect(try await place() == .offline)
            #expect(try await test.storage.sessions(of: alice.user).first?.node == .unknown)

            // As another server would have noted it.
            let other = try await test.storage.registerNode(NewNode(name: "there", address: ""))
            test.wallClock.advance(milliseconds: 5)
            try await test.storage.touch([alice.session: test.wallClock.now], node: other)
            #expect(try await place() == .node("there"))
            _ = try await test.storage.removeNode(other)
            #expect(try await place() == .offline)
        }
    }
}

/// A connection that takes everything and does nothing.
private final class StillConnection: LiveConnection {
    func newsArrived() {}
    func sessionRevoked() {}
}

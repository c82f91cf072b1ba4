// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Logging
import Storage
import TestSupport
import Testing

/// A server in the list of those that share the store.
struct ClusterMembershipTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func membership(_ chat: Chat, name: String = "alpha", clients: Int = 0) -> ClusterMembership {
        ClusterMembership(of: chat, name: name, pause: .milliseconds(1), clients: { clients })
    }

    @Test(arguments: StorageKind.engines) func listHasTheServerUntilItLeaves(_ kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let membership = membership(test.chat, clients: 3)
            await membership.join(["mtp": "ws://192.0.2.1:80/ws", "fastchat": "tcp://192.0.2.1:8010"])
            try await test.storage.keepAlive(test.chat.policy.node.id)

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

    @Test(arguments: ServiceMode.allCases) func othersLearnTheModeOfAServer(_ mode: ServiceMode) async throws {
        var policy = ChatPolicy()
        policy.mode = mode
        try await ChatUnderTest.with(policy: policy) { test in
            let membership = membership(test.chat)
            await membership.join([:])
            #expect(try await test.chat.serverNodes().map(\.mode) == [mode])

            // Also when it enters itself anew.
            _ = try await test.storage.removeNode(test.chat.policy.node.id)
            await membership.beat()
            try await test.storage.keepAlive(test.chat.policy.node.id)
            #expect(try await test.chat.serverNodes().map(\.mode) == [mode])

            let balancer = NodeBalancer(storage: test.storage, algorithm: .roundRobin, logger: Self.silent)
            #expect(await balancer.next()?.id == (mode == .maintenance ? nil : test.chat.policy.node.id))
            #expect(try await test.chat.doesCommonChores() == (mode != .maintenance))
        }
    }

    @Test(arguments: StorageKind.engines) func aServerThatStopsStaysInTheListWithoutNewClients(
        _ kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let membership = membership(test.chat, clients: 2)
            await membership.join([:])

            await membership.drain()
            await membership.beat()

            let node = try #require(try await test.chat.serverNodes().first)
            #expect(node.isDraining && !node.isSilent && node.clients == 2)
            #expect(membership.isDraining)
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
            let before = try await test.storage.registerNode(NewNode(name: "before", address: ""))
            try await test.storage.age(before)

            await membership(test.chat).join([:])

            #expect(try await test.chat.serverNodes().map(\.name) == ["alpha"])
        }
    }

    @Test func othersStayWhenTheStoreIsShared() async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        try await ChatUnderTest.with(policy: policy) { test in
            let before = try await test.storage.registerNode(NewNode(name: "before", address: ""))
            try await test.storage.age(before)

            await membership(test.chat).join([:])
            try await test.storage.keepAlive(test.chat.policy.node.id)

            let nodes = try await test.chat.serverNodes()
            #expect(nodes.map(\.name) == ["before", "alpha"])
            #expect(nodes.map(\.isSilent) == [true, false])
        }
    }

    /// What one does for all, such as scheduled backups and erasing old messages.
    @Test(arguments: StorageKind.shared) func oneOfSeveralServersDoesTheChores(_ kind: StorageKind) async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        try await ChatUnderTest.with(kind, policy: policy) { test in
            policy.node = NodeIdentity()
            try await test.withOtherServer(policy: policy) { other in
                #expect(try await !test.chat.doesCommonChores(), "It is not in the list yet.")
                let first = membership(test.chat)
                await first.join([:])
                await membership(other, name: "beta").join([:])
                func keepAlive() async throws {
                    for chat in [test.chat, other] { try await test.storage.keepAlive(chat.policy.node.id) }
                }
                try await keepAlive()

                #expect(try await test.chat.doesCommonChores())
                #expect(try await !other.doesCommonChores())

                // The first falls silent.
                try await test.storage.age(test.chat.policy.node.id, milliseconds: 3_700_000)
                #expect(try await other.doesCommonChores())
                #expect(try await !test.chat.doesCommonChores())

                try await keepAlive()
                #expect(try await !other.doesCommonChores())
                await first.leave()
                #expect(try await other.doesCommonChores())
            }
        }
    }

    @Test(arguments: StorageKind.engines) func choresAreDoneByOneThatMayErase(_ kind: StorageKind) async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        try await ChatUnderTest.with(kind, policy: policy) { test in
            var nodes: [ServiceMode: NodeID] = [:]
            for mode in [ServiceMode.maintenance, .readOnly] {
                let new = NewNode(name: mode.rawValue, address: "", mode: mode.rawValue)
                nodes[mode] = try await test.storage.registerNode(new)
            }
            await membership(test.chat).join([:])
            nodes[.normal] = test.chat.policy.node.id
            func doesChores(_ mode: ServiceMode) async throws -> Bool {
                for node in nodes.values { try await test.storage.keepAlive(node) }
                test.chat.policy.node.id = try #require(nodes[mode])
                return try await test.chat.doesCommonChores()
            }

            #expect(try await doesChores(.normal))
            #expect(try await !doesChores(.readOnly))
            #expect(try await !doesChores(.maintenance))

            _ = try await test.storage.removeNode(try #require(nodes.removeValue(forKey: .normal)))
            #expect(try await doesChores(.readOnly))
            #expect(try await !doesChores(.maintenance))

            _ = try await test.storage.removeNode(try #require(nodes.removeValue(forKey: .readOnly)))
            #expect(try await !doesChores(.maintenance))
        }
    }

    @Test func storeOutOfReachIsTriedAgain() async throws {
        try await ChatUnderTest.with { test in
            let engine = HeldEngine(test.direct.engine)
            let chat = Chat(
                storage: Storage(engine: engine, now: { test.wallClock.now }),
                hasher: try PasswordHasher(.init(memoryBytes: 8192, iterations: 1)), policy: ChatPolicy(),
                logger: Self.silent)
            let membership = membership(chat)
            engine.setOutOfReach(true)
            await membership.join(["mtp": "ws://192.0.2.1:80/ws"])
            #expect(chat.policy.node.id == .unknown)

            engine.setOutOfReach(false)
            await membership.beat()

            let node = try #require(try await test.chat.serverNodes().first)
            #expect(node.id == chat.policy.node.id)
            #expect(node.endpoints == ["mtp": "ws://192.0.2.1:80/ws"])
        }
    }

    // MARK: What a dead server leaves

    /// Logs in as a protocol does whose sessions end with their connections.
    private func openSession(
        of user: UserID, on node: NodeID, endsWithConnection: Bool = true, in test: ChatUnderTest
    ) async throws -> SessionID {
        var hash = Array(test.chat.newIdentifier().description.utf8.prefix(32))
        hash += Array(repeating: 0, count: 32 - hash.count)
        let session = NewSession(
            tokenHash: hash, protocol: "messenger", address: "192.0.2.1", lifetimeSeconds: 1000, node: node,
            endsWithConnection: endsWithConnection)
        return try await test.chat.write(Write.OpenSession(user, session), by: nil).result
    }

    @Test(arguments: StorageKind.engines) func sessionsOfADeadServerEnd(_ kind: StorageKind) async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let alice = try await test.register("alice").principal
            await membership(test.chat).join([:])
            let own = test.chat.policy.node.id
            var nodes: [NodeID] = []
            for name in ["dead", "silent", "alive", "off the list"] {
                nodes.append(try await test.storage.registerNode(NewNode(name: name, address: "")))
            }
            for _ in 0..<2 { try await test.storage.age(nodes[0]) }
            for node in [nodes[2], own] { try await test.storage.keepAlive(node) }
            _ = try await test.storage.removeNode(nodes[3])
            var sessions: [SessionID] = []
            for node in nodes + [own, .unknown] {
                sessions.append(try await openSession(of: alice.user, on: node, in: test))
            }
            // Somebody may come back to it.
            let lasting = try await openSession(
                of: alice.user, on: nodes[0], endsWithConnection: false, in: test)

            // For a while it may only be slow.
            _ = try await test.storage.heartbeat(nodes[1], clients: 0)
            try await test.storage.age(nodes[1], milliseconds: 11_000)

            try await test.chat.endAbandonedSessions()

            let left = Set(try await test.storage.sessions(of: alice.user).map(\.id))
            #expect(left == [alice.session, sessions[1], sessions[2], sessions[4], sessions[5], lasting])
            test.wallClock.advance(milliseconds: 700_000)
            try await test.chat.endAbandonedSessions()
            let rest = Set(try await test.storage.sessions(of: alice.user).map(\.id))
            #expect(rest == left.subtracting([sessions[5]]))
        }
    }

    @Test func sessionsOfTheLastLifeEndWhenNobodyElseHasTheStore() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let before = try await test.storage.registerNode(NewNode(name: "alpha", address: ""))
            _ = try await openSession(of: alice.user, on: before, in: test)

            await membership(test.chat).join([:])

            #expect(try await test.storage.sessions(of: alice.user).map(\.id) == [alice.session])
        }
    }

    /// The machine died while its clock was ahead: its row would be alive, and first, until the clock is there again.
    @Test func aLifeFromFarAheadNeitherKeepsSessionsNorTheChores() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let before = try await test.storage.registerNode(NewNode(name: "alpha", address: ""))
            try await test.storage.age(before, milliseconds: -365 * 86_400_000)
            _ = try await openSession(of: alice.user, on: before, in: test)

            await membership(test.chat).join([:])
            try await test.storage.keepAlive(test.chat.policy.node.id)

            #expect(try await test.chat.serverNodes().map(\.id) == [test.chat.policy.node.id])
            #expect(try await test.storage.sessions(of: alice.user).map(\.id) == [alice.session])
            #expect(try await test.chat.doesCommonChores())
        }
    }

    /// The database's clock was set back by a day.
    @Test(arguments: StorageKind.engines) func aHeartbeatFromFarAheadTakesNoChores(_ kind: StorageKind) async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let alice = try await test.register("alice").principal
            let other = try await test.storage.registerNode(NewNode(name: "other", address: ""))
            await membership(test.chat).join([:])
            try await test.storage.keepAlive(test.chat.policy.node.id)
            let session = try await openSession(of: alice.user, on: other, in: test)
            try await test.storage.age(other, milliseconds: -86_400_000)

            #expect(try await test.chat.serverNodes().map(\.isSilent) == [true, false])
            #expect(try await test.chat.doesCommonChores())
            // It may live and renew its heartbeat in a moment: nobody is cut off for a clock.
            try await test.chat.endAbandonedSessions()
            #expect(try await test.storage.sessions(of: alice.user).map(\.id).contains(session))
        }
    }

    // MARK: The balancer over the list

    @Test(arguments: StorageKind.engines) func balancerNamesWhoServes(_ kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let clock = ManualClock()
            let balancer = NodeBalancer(
                storage: test.storage, algorithm: .roundRobin, instant: { clock.now }, logger: Self.silent)
            #expect(await balancer.next() == nil)

            await membership(test.chat).join(["fastchat": "tcp://192.0.2.1:8010"])
            try await test.storage.keepAlive(test.chat.policy.node.id)
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
            let clock = ManualClock()
            let engine = HeldEngine(test.direct.engine)
            let balancer = NodeBalancer(
                storage: Storage(engine: engine, now: { test.wallClock.now }), algorithm: .minimumConnect,
                instant: { clock.now }, logger: Self.silent)
            await membership(test.chat).join([:])
            try await test.storage.keepAlive(test.chat.policy.node.id)
            #expect(await balancer.next() != nil)

            engine.setOutOfReach(true)
            clock.advance(by: .seconds(9))
            #expect(await balancer.next() != nil)
            clock.advance(by: .seconds(2))
            #expect(await balancer.next() == nil)
        }
    }

    // MARK: Where sessions are

    @Test(arguments: StorageKind.engines) func sessionIsSaidToBeWhereItIs(_ kind: StorageKind) async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        try await ChatUnderTest.with(kind, policy: policy) { test in
            await membership(test.chat, name: "here").join([:])
            let alice = try await test.register("alice").principal
            func place() async throws -> SessionPlace? {
                try await test.chat.places(of: try await test.storage.sessions(of: alice.user)).first
            }
            // Logged in here, and without a connection.
            #expect(try await place() == .offline)

            let connection = StillConnection()
            test.chat.hub.attach(connection, principal: alice, wantsNews: false)
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
            try await test.storage.age(other)
            #expect(try await place() == .unknown)
            _ = try await test.storage.removeNode(other)
            #expect(try await place() == .offline)
        }
    }
}

/// A connection that takes everything and does nothing.
private final class StillConnection: LiveConnection {
    let address = NewsSink.address()
    func sessionRevoked(_ session: SessionID) {}
}

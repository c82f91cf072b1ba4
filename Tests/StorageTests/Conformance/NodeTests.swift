// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct NodeTests {
    @Test(arguments: StorageKind.available)
    func nodesAreEnteredWithTheirAge(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let new = NewNode(
                name: "one", address: "host:8010", protocols: #"{"fastchat":"host:8010"}"#, mode: "maintenance")
            let one = try await test.storage.registerNode(new)
            let two = try await test.storage.registerNode(NewNode(name: "two", address: ""))

            try await test.storage.age(one, milliseconds: 20_000)
            let nodes = try await test.storage.nodes()

            #expect(nodes.map(\.id) == [one, two] && one != two && one != .unknown)
            let first = try #require(nodes.first)
            #expect(first.name == "one" && first.address == new.address && first.protocols == new.protocols)
            #expect(nodes.map(\.mode) == ["maintenance", "normal"])
            #expect(!first.isDraining && first.clients == 0)
            #expect((20_000..<80_000).contains(first.ageMilliseconds))
            #expect((0..<60_000).contains(nodes[1].ageMilliseconds))
            // The database's clock, not the stopped one of this test.
            #expect(first.started > test.clock.now)

            #expect(try await test.storage.heartbeat(one, clients: 17) == NodeHeartbeat(isDraining: false))
            let beaten = try #require(try await test.storage.nodes().first)
            #expect(beaten.clients == 17 && beaten.ageMilliseconds < 20_000 && beaten.mode == "maintenance")
            #expect(try await test.storage.head() == .start)
        }
    }

    @Test(arguments: StorageKind.available)
    func aModeThatIsNoneIsRefused(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            for mode in ["", "asleep"] {
                await #expect(throws: StorageError.self) {
                    _ = try await test.storage.registerNode(NewNode(name: "one", address: "", mode: mode))
                }
            }
            _ = try await test.storage.registerNode(NewNode(name: "two", address: "", mode: "read-only"))

            #expect(try await test.storage.nodes().map(\.mode) == ["read-only"])
        }
    }

    @Test(arguments: StorageKind.available)
    func databaseSaysItsTime(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let before = try await test.storage.databaseTime()
            _ = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            let after = try await test.storage.databaseTime()

            // Nodes start by the same clock, and not by the stopped one of this test.
            let started = try #require(try await test.storage.nodes().first?.started)
            #expect(before <= started && started <= after)
            #expect(before > test.clock.now)
        }
    }

    @Test(arguments: StorageKind.available)
    func aNodeLearnsOfItsDrainingAndRemoval(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let one = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            let two = try await test.storage.registerNode(NewNode(name: "two", address: ""))

            #expect(try await test.storage.setDraining(one, true))
            #expect(try await test.storage.heartbeat(one, clients: 0)?.isDraining == true)
            #expect(try await test.storage.nodes().map(\.isDraining) == [true, false])
            #expect(try await test.storage.setDraining(one, false))
            #expect(try await test.storage.heartbeat(one, clients: 0)?.isDraining == false)
            #expect(try await !test.storage.setDraining(NodeID(99), true))

            #expect(try await test.storage.removeNode(two))
            #expect(try await !test.storage.removeNode(two))
            #expect(try await test.storage.heartbeat(two, clients: 0) == nil)
            // The number of the one that went is not given out again.
            #expect(try await test.storage.registerNode(NewNode(name: "three", address: "")) > two)
        }
    }

    @Test(arguments: StorageKind.available)
    func anAnnouncedDrainBeginsByItself(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let storage = test.storage
            let one = try await storage.registerNode(NewNode(name: "one", address: ""))
            func announce(after delay: Duration) async throws {
                #expect(try await storage.announceDraining(of: one, after: delay, message: "Soon."))
            }

            try await announce(after: .seconds(3600))
            let before = try #require(try await storage.heartbeat(one, clients: 0))
            let row = try #require(try await storage.nodes().first)
            #expect(!before.isDraining && before.announcement?.message == "Soon.")
            #expect(!row.isDraining && row.announcement == before.announcement)
            let delay = try #require(row.announcement).time.milliseconds - row.started.milliseconds
            #expect((3_600_000..<3_700_000).contains(delay))

            try await announce(after: .zero)
            #expect(try await storage.heartbeat(one, clients: 0)?.isDraining == true)
            #expect(try await storage.nodes().map(\.isDraining) == [true])
            // It has begun: what is announced now does not end it.
            try await announce(after: .seconds(3600))
            #expect(try await storage.heartbeat(one, clients: 0)?.isDraining == true)

            #expect(try await storage.setDraining(one, false))
            #expect(try await storage.heartbeat(one, clients: 0) == NodeHeartbeat(isDraining: false))
            #expect(try await storage.nodes().map(\.announcement) == [nil])
            #expect(try await !storage.announceDraining(of: NodeID(99), after: .zero, message: ""))
        }
    }

    @Test(arguments: StorageKind.available)
    func silentNodesGo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            var nodes: [NodeID] = []
            for name in ["a", "b", "c"] {
                nodes.append(try await test.storage.registerNode(NewNode(name: name, address: "")))
            }
            try await test.storage.age(nodes[0], milliseconds: 3_700_000)
            try await test.storage.age(nodes[1], milliseconds: 3_000_000)

            let fourth = try await test.storage.registerNode(NewNode(name: "d", address: ""))
            #expect(try await test.storage.nodes().map(\.id) == [nodes[1], nodes[2], fourth])
            #expect(try await test.storage.removeNodes(silentFor: .seconds(1800)) == 1)
            #expect(try await test.storage.nodes().map(\.id) == [nodes[2], fourth])
        }
    }

    /// A server died while the database's clock was ahead: nothing would make its heartbeat younger.
    @Test(arguments: StorageKind.available)
    func aHeartbeatFromFarAheadIsOfADeadNode(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let dead = try await test.storage.registerNode(NewNode(name: "dead", address: ""))
            let early = try await test.storage.registerNode(NewNode(name: "early", address: ""))
            try await test.storage.age(dead, milliseconds: -86_400_000)
            try await test.storage.keepAlive(early)

            let nodes = try await test.storage.nodes()

            #expect(nodes.map(\.id) == [dead, early])
            #expect((80_000_000...86_400_000).contains(nodes[0].ageMilliseconds))
            #expect(nodes[1].ageMilliseconds == 0)
            let seen = try await test.storage.presence(after: [:], except: .unknown, silentFor: .seconds(10))
            #expect(seen.map(\.node) == [early])

            let new = try await test.storage.registerNode(NewNode(name: "new", address: ""))
            #expect(try await test.storage.nodes().map(\.id) == [early, new])
            // Nothing is left of an earlier life, whatever its clock was.
            _ = try await test.storage.removeNodes(silentFor: .zero)
            #expect(try await !test.storage.nodes().contains { $0.id == early })
        }
    }
}

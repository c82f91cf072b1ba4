// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// Who is connected to which node, as the other nodes read it.
struct NodePresenceTests {
    private static let limit = Duration.seconds(3600)

    @Test(arguments: StorageKind.available)
    func changesAreReadOnce(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let one = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            let two = try await test.storage.registerNode(NewNode(name: "two", address: ""))
            func read(_ known: [NodeID: Int64]) async throws -> [NodePresence] {
                try await test.storage.presence(after: known, except: two, silentFor: Self.limit)
            }

            #expect(try await read([:]) == [NodePresence(node: one, version: 0, came: [], went: [])])
            #expect(try await test.storage.notePresence(on: one, came: [UserID(1), UserID(2)], went: []))
            let first = try #require(try await read([:]).first)
            #expect(Set(first.came) == [UserID(1), UserID(2)] && first.went.isEmpty)

            #expect(try await test.storage.notePresence(on: one, came: [UserID(3)], went: [UserID(1)]))
            let second = try #require(try await read([one: first.version]).first)
            #expect(second.came == [UserID(3)] && second.went == [UserID(1)])
            #expect(
                try await read([one: second.version])
                    == [NodePresence(node: one, version: second.version, came: [], went: [])])
            // Whoever comes later sees who is there, and nobody else as online.
            #expect(Set(try #require(try await read([:]).first).came) == [UserID(2), UserID(3)])
            #expect(
                try await test.storage.presence(after: [:], except: one, silentFor: Self.limit).map(\.node) == [two])
        }
    }

    @Test(arguments: StorageKind.available)
    func aNodeThatIsGoneHasNobody(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let one = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            let two = try await test.storage.registerNode(NewNode(name: "two", address: ""))
            #expect(try await test.storage.notePresence(on: one, came: [UserID(1)], went: []))
            #expect(try await test.storage.removeNode(one))

            #expect(try await test.storage.presence(after: [:], except: two, silentFor: Self.limit).isEmpty)
            #expect(try await !test.storage.notePresence(on: one, came: [UserID(1)], went: []))
            let rows = try await test.storage.engine.read { connection in
                try connection.rows("SELECT user_id FROM node_presence")
            }
            #expect(rows.isEmpty)
        }
    }

    @Test(arguments: StorageKind.available)
    func aSilentNodeIsLeftOut(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let one = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            _ = try await test.storage.engine.write { connection in
                try connection.execute("UPDATE nodes SET heartbeat_ms = heartbeat_ms - 7200000")
            }

            #expect(
                try await test.storage.presence(after: [:], except: .unknown, silentFor: Self.limit).isEmpty)
            _ = try await test.storage.heartbeat(one, clients: 0)
            #expect(
                try await test.storage.presence(after: [:], except: .unknown, silentFor: Self.limit).map(\.node) == [
                    one
                ])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct StoreCheckTests {
    /// Breaks, as SQL, by the rule that must notice it; with what is left after a fix.
    private static let damages: [(rule: String, sql: String, isFixable: Bool)] = [
        ("log_head.position", "UPDATE log_head SET position = position - 1", true),
        ("log_head.numbers", "UPDATE log_head SET last_flow = 0", true),
        ("flow_heads.counts", "UPDATE flow_heads SET message_count = message_count + 1 WHERE flow_id = 1", true),
        ("flow_heads.missing", "DELETE FROM flow_heads WHERE flow_id = 1", true),
        ("events.numbering", "DELETE FROM events WHERE number = 1 AND flow_id = 1", false),
        ("events.sender", "UPDATE events SET sender_id = 99 WHERE number = 1 AND flow_id = 1", false),
        ("events.replaced_by", "UPDATE events SET replaced_by = 9999 WHERE number = 1 AND flow_id = 1", false),
        ("events.flow", "UPDATE events SET flow_id = 77 WHERE flow_id = 2", true),
        (
            "event_bodies.event",
            "INSERT INTO event_bodies (position, user_id, body, key) SELECT 9999, 1, bytes, bytes FROM blobs", true
        ),
        ("blob_refs.event", "INSERT INTO blob_refs (position, name, sha256) SELECT 9999, 'x', sha256 FROM blobs", true),
        ("blobs.sha256", "UPDATE blobs SET bytes = sha256", false),
        ("message_search", "DELETE FROM message_search", true),
    ]

    private func fill(_ test: StorageUnderTest) async throws {
        let alice = try await test.createUser("alice")
        let flow = try await test.createFlow(owner: alice, members: [])
        let other = try await test.createFlow(owner: alice, members: [])
        let blob = NewBlob(name: "file", sha256: Self.digest([1, 2, 3]), bytes: [1, 2, 3])
        try await test.done(test.message("with a file", to: flow, blobs: [blob]), by: alice)
        for text in ["one", "two", "three"] { try await test.send(text, from: alice, to: flow) }
        let edited = try await test.send("wrong", from: alice, to: flow)
        try await test.done(
            Write.EditMessage(flow: flow, message: edited.position, content: StorageUnderTest.content("right")),
            by: alice)
        let deleted = try await test.send("deleted", from: alice, to: flow)
        try await test.done(Write.DeleteMessage(flow: flow, message: deleted.position), by: alice)
        try await test.send("elsewhere", from: alice, to: other)
        while try await test.storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}
        // Not yet in the index.
        try await test.send("late", from: alice, to: flow)
    }

    /// In the place of SHA-256.
    @Sendable private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](repeating: bytes.reduce(UInt8(bytes.count)) { $0 &+ $1 }, count: 32)
    }

    private func check(_ test: StorageUnderTest) async throws -> [StoreProblem] {
        try await test.storage.check(digest: Self.digest, text: StorageUnderTest.text)
    }

    @Test(arguments: StorageKind.available)
    func whatPeopleDoBreaksNoRule(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            #expect(try await check(test) == [])
            try await fill(test)
            #expect(try await check(test) == [])
            // A flow that was deleted loses its events some at a time.
            try await test.done(Write.DeleteFlow(FlowID(1)))
            #expect(try await check(test) == [])
            #expect(try await !test.storage.purgeDeletedFlows(limit: 3))
            #expect(try await check(test) == [])
            while try await !test.storage.purgeDeletedFlows() {}
            #expect(try await check(test) == [])
            // The account of the health check leaves no messages behind.
            let hidden = try await test.createUser("testclient", isHidden: true)
            let flow = try await test.createFlow(owner: hidden, members: [])
            for text in ["one", "two"] { try await test.send(text, from: hidden, to: flow) }
            #expect(try await test.storage.removeTraces(ofHidden: hidden) == 2)
            #expect(try await check(test) == [])
            try await test.send("three", from: hidden, to: flow)
            #expect(try await check(test) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func eachDamageIsFoundAndFixedIfThatIsPossible(kind: StorageKind) async throws {
        for damage in Self.damages {
            try await StorageUnderTest.with(kind) { test in
                try await fill(test)
                let index = try #require(try await test.storage.engine.searchIndex())
                let engine = damage.rule == "message_search" ? index : test.storage.engine
                _ = try await engine.write { connection in try connection.execute(damage.sql) }

                let found = try await check(test)
                let problem = found.first { $0.name == damage.rule }
                #expect(problem?.isFixable == damage.isFixable, "\(damage.rule): \(found)")
                try await test.storage.fix(found.filter(\.isFixable).map(\.name))
                while try await test.storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}

                let left = try await check(test)
                #expect(left.contains { $0.name == damage.rule } == !damage.isFixable, "\(damage.rule): \(left)")
                if damage.isFixable { #expect(left == [], "\(damage.rule)") }
            }
        }
        let rules = Set(StoreRule.all.map(\.name)).subtracting(Self.damages.map(\.rule))
        // The foreign key does not let it happen.
        #expect(rules == ["blob_refs.blob"])
    }

    @Test(arguments: StorageKind.available)
    func everyTableHasASize(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await fill(test)

            let room = try await test.storage.room()

            #expect(Set(room.tables.map(\.name)) == Set(test.storage.engine.dialect.tables))
            #expect(room.tables.first { $0.name == "users" }?.rows == 1)
            for name in ["events", "users", Storage.searchTable] {
                #expect(room.tables.first { $0.name == name }?.bytes ?? 0 > 0, "\(name)")
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func garbageIsWhatIsRemoved(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await fill(test)
            try await test.done(Write.DeleteFlow(FlowID(1)))
            try await test.storage.storeBlob(sha256: Self.digest([7]), bytes: [7])
            let before = try await test.storage.garbage(sessionsExpiredBefore: .init(milliseconds: 0))
            test.clock.advance(milliseconds: 2 * Blobs.gracePeriodSeconds * 1000)
            let after = try await test.storage.garbage(sessionsExpiredBefore: .init(milliseconds: 0))

            #expect(before.blobs == 0 && before.events > 8)
            #expect(after.blobs == 2 && after.blobBytes == 4 && after.events == before.events)
            while try await !test.storage.purgeDeletedFlows() {}
            while try await test.storage.collectBlobs() > 0 {}
            let last = try await test.storage.garbage(sessionsExpiredBefore: .init(milliseconds: 0))
            #expect(last == StoredGarbage(blobs: 0, blobBytes: 0, events: 0, eventBytes: 0, sessions: 0))
        }
    }
}

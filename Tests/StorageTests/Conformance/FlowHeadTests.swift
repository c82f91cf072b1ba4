// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// The heads of flows are a table of their own: they say what the log says, whatever was written.
struct FlowHeadTests {
    /// The flows whose heads do not say what the log says; heads of deleted flows must not be public.
    static func wrongHeads(of storage: Storage) async throws -> [SQLRow] {
        try await storage.engine.read { connection in
            try connection.rows(
                """
                SELECT f.id FROM flows f LEFT JOIN flow_heads h ON h.flow_id = f.id
                WHERE h.flow_id IS NULL OR h.is_public <> f.is_public
                    OR f.deleted_ms IS NOT NULL AND h.is_public = 1
                    OR f.deleted_ms IS NULL AND (
                        h.event_count <> (SELECT count(*) FROM events e WHERE e.flow_id = f.id)
                        OR h.event_count <> (SELECT coalesce(max(e.seq) + 1, 0) FROM events e WHERE e.flow_id = f.id)
                        OR h.message_count <> (SELECT count(e.number) FROM events e WHERE e.flow_id = f.id)
                        OR h.message_count <> (
                            SELECT coalesce(max(e.number) + 1, 0) FROM events e WHERE e.flow_id = f.id)
                        OR h.head_position <> (
                            SELECT coalesce(max(e.position), 0) FROM events e WHERE e.flow_id = f.id))
                ORDER BY f.id
                """)
        }
    }

    private func count(_ table: String, of storage: Storage) async throws -> [SQLRow] {
        try await storage.engine.read { connection in
            try connection.rows("SELECT count(*) FROM \(table)")
        }
    }

    @Test(arguments: StorageKind.available)
    func headsAreRightAfterEveryKindOfWrite(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let open = try await test.createFlow(owner: alice)
            let closed = try await test.createFlow(owner: alice, members: [alice])
            let chat = try await test.createFlow(.chat, owner: alice, members: [bob])
            let sent = try await test.send("one", from: alice, to: open)
            let writes: [any LogWrite] = [
                Write.AddMember(closed, bob), test.message("two", to: closed), Write.RemoveMember(closed, bob),
                Write.EditMessage(
                    flow: open, message: sent.position, content: StorageUnderTest.content("three"), blobs: []),
                Write.UpdateFlow(closed, title: "new", info: nil, kind: .channel, owner: nil), Write.MarkBridged(chat),
                test.message("four", to: chat), Write.DeleteMessage(flow: open, message: sent.position),
                Write.DeleteFlow(closed),
            ]
            for action in writes {
                _ = try await test.perform(action, by: alice).receipt

                #expect(try await Self.wrongHeads(of: test.storage) == [], "\(action)")
            }

            // The same in one batch, beside one that is refused.
            let other = try await test.createFlow(owner: alice, members: [alice, bob])
            let together: [any LogWrite] = [
                test.message("five", to: open), Write.AddMember(closed, bob), test.message("six", to: other),
                Write.RemoveMember(other, bob), Write.DeleteFlow(chat), test.message("seven", to: other),
                test.message("eight", to: chat), test.message("nine", to: open),
            ]
            let batch = try await test.storage.commit(together.map { test.write($0, by: alice) })
            #expect(batch.outcomes.map { $0.refusal != nil } == [false, true, false, false, false, false, true, false])
            #expect(try await Self.wrongHeads(of: test.storage) == [])
            #expect(try await test.storage.flow(open)?.messageCount == 3)

            try await test.done(Write.DeleteFlow(open), by: alice)
            while try await !test.storage.purgeDeletedFlows() {}
            #expect(try await Self.wrongHeads(of: test.storage) == [])
            #expect(try await count("flow_heads", of: test.storage) == [[.int(1)]])
        }
    }

    @Test(arguments: StorageKind.available)
    func headsAreRightWhenAWriteFailsAlone(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let missing = NewBlob(name: "file", sha256: [UInt8](repeating: 7, count: 32), bytes: nil)

            let batch = try await test.storage.commit([
                test.write(test.message("one", to: flow), by: alice),
                test.write(test.message("two", to: flow, blobs: [missing]), by: alice),
                test.write(test.message("three", to: flow), by: alice),
            ])

            #expect(batch.outcomes.map { $0.failure == nil } == [true, false, true])
            #expect(try await Self.wrongHeads(of: test.storage) == [])
            #expect(try await test.storage.flow(flow)?.messageCount == 2)
        }
    }

    @Test(arguments: StorageKind.available)
    func eventsSayByWhichProtocolTheyCame(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)

            _ = try await test.storage.commit(
                ["mtp", "skaro", nil].map { name in
                    Write(
                        test.message("hello", to: flow),
                        by: WriteOrigin(uuid: test.newUUID(), author: alice, protocol: name))
                })

            let events = try await test.storage.events(after: .start, limit: 9)
            #expect(events.map(\.protocol) == [nil, nil, "mtp", "skaro", nil])
        }
    }

    /// What the engine would do for `statement`, a line for each step.
    private func plan(_ statement: SQLStatement, on storage: Storage) async throws -> [String] {
        let isSQLite = storage.engine.dialect.name == "sqlite"
        let rows = try await storage.engine.read { connection in
            // PostgreSQL scans small tables whatever their indexes.
            if !isSQLite { try connection.execute("SET LOCAL enable_seqscan = off") }
            let explain = isSQLite ? "EXPLAIN QUERY PLAN" : "EXPLAIN"
            return try connection.rows("\(explain) \(statement.sql)", statement.arguments)
        }
        return rows.compactMap { if case .text(let line) = $0.last { line } else { nil } }
    }

    @Test(arguments: StorageKind.available)
    func publicFlowsWithNewsAreFoundWithoutAScan(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let lines = try await plan(
                Storage.staysWithNews(of: UserID(1), after: Position(7)), on: test.storage)

            #expect(lines.contains { $0.contains("flow_heads_public") })
            #expect(!lines.contains { $0.contains("SCAN ") || $0.contains("Seq Scan") }, "\(lines)")
        }
    }

    @Test(arguments: StorageKind.available)
    func oldAttachmentsAreFoundWithoutTheirBytes(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let lines = try await plan(
                Blobs.findUnused(before: Timestamp(seconds: 1), limit: 100), on: test.storage)

            #expect(lines.contains { $0.contains("blobs_created") }, "\(lines)")
            if kind != .postgres { #expect(lines.contains { $0.contains("COVERING INDEX blobs_created") }, "\(lines)") }
        }
    }
    /// What the chores of every minute look for costs nothing when there is none of it.
    @Test(arguments: StorageKind.available)
    func choresFindTheirWorkWithoutAScan(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let flows = try await plan(Storage.findDeletedFlow, on: test.storage)
            let sessions = try await plan(
                Storage.findSessions(expiredBefore: Timestamp(seconds: 1), limit: 100), on: test.storage)

            #expect(flows.contains { $0.contains("flows_deleted") }, "\(flows)")
            #expect(sessions.contains { $0.contains("sessions_expires") }, "\(sessions)")
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct MigrationTests {
    private func execute(_ sql: String..., on storage: Storage) async throws {
        try await storage.engine.write { connection in for statement in sql { try connection.execute(statement) } }
    }

    /// What the tables of Parley hold, to see that a refusal changed nothing.
    private func applied(on storage: Storage) async throws -> [SQLRow] {
        try await storage.engine.read { connection in
            try connection.rows("SELECT identifier FROM migrations ORDER BY identifier")
        }
    }

    @Test(arguments: StorageKind.available)
    func anEmptyDatabaseIsCreated(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind, migrated: false) { test in
            let before = try await test.storage.migrationStatus()
            let missing = await storageFailure { try await test.storage.checkSchema() }
            let applied = try await test.storage.migrate()
            let after = try await test.storage.migrationStatus()

            #expect(before.state == .empty)
            #expect(before.pending == test.storage.engine.dialect.migrations.map(\.identifier))
            #expect(missing?.code == .needsMigration)
            #expect(applied == before.pending)
            #expect(after == MigrationStatus(state: .current, applied: before.pending, pending: []))
            try await test.storage.checkSchema()
            #expect(try await test.storage.head() == .start)
        }
    }

    @Test(arguments: StorageKind.available)
    func migratingTwiceDoesNothing(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await test.createUser("alice")

            #expect(try await test.storage.migrate() == [])
            #expect(try await test.storage.counts().users == 1)
        }
    }

    @Test(arguments: StorageKind.shared)
    func twoMigratingAtOnceTakeTurns(kind: StorageKind) async throws {
        for _ in 0..<5 {
            try await StorageUnderTest.with(kind, migrated: false) { test in
                try await test.withAnother { other in
                    async let first = test.storage.migrate()
                    async let second = other.migrate()
                    let applied = try await first + second

                    // Each may have done some of them, and none was done twice.
                    #expect(applied.sorted() == test.storage.engine.dialect.migrations.map(\.identifier))
                    try await other.checkSchema()
                }
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func aNewerDatabaseIsRefusedAndKept(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await execute(
                "INSERT INTO migrations (identifier, applied_ms) VALUES ('9999_future', 1)", on: test.storage)
            let before = try await applied(on: test.storage)

            #expect(try await test.storage.migrationStatus().state == .newer)
            #expect(await storageFailure { try await test.storage.checkSchema() }?.code == .newerThanProgram)
            #expect(await storageFailure { _ = try await test.storage.migrate() }?.code == .newerThanProgram)
            #expect(await storageFailure { _ = try await test.storage.dropAllTables() }?.code == .newerThanProgram)
            #expect(try await applied(on: test.storage) == before)
        }
    }

    @Test(arguments: StorageKind.available)
    func aHalfMigratedDatabaseIsRefused(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await execute("DELETE FROM migrations", on: test.storage)

            #expect(try await test.storage.migrationStatus().state == .halfMigrated)
            #expect(await storageFailure { try await test.storage.checkSchema() }?.code == .unusable)
            #expect(await storageFailure { _ = try await test.storage.migrate() }?.code == .unusable)
            #expect(try await applied(on: test.storage) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func aForeignDatabaseIsRefused(kind: StorageKind) async throws {
        // The second one has a table that is called like ours.
        for table in ["CREATE TABLE orders (id bigint)", "CREATE TABLE migrations (id bigint, batch bigint)"] {
            try await StorageUnderTest.with(kind, migrated: false) { test in
                try await execute(table, on: test.storage)

                #expect(try await test.storage.migrationStatus().state == .foreign)
                #expect(await storageFailure { try await test.storage.checkSchema() }?.code == .unusable)
                #expect(await storageFailure { _ = try await test.storage.migrate() }?.code == .unusable)
                #expect(await storageFailure { _ = try await test.storage.dropAllTables() }?.code == .unusable)
                #expect(try await test.storage.migrationStatus().state == .foreign)
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func aMigrationThatFailsLeavesNothing(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind, migrated: false) { test in
            // In the way of one of the later statements, and not a table.
            try await execute("CREATE VIEW blob_refs AS SELECT 1 AS one", on: test.storage)

            let failure = await storageFailure { _ = try await test.storage.migrate() }

            #expect(failure != nil)
            #expect(try await test.storage.migrationStatus().state == .empty)
        }
    }

    @Test(arguments: StorageKind.available)
    func deletingDropsTheTablesAndKeepsTheDatabase(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice, members: [])
            let blob = NewBlob(name: "file", sha256: [UInt8](repeating: 1, count: 32), bytes: [1, 2, 3])
            try await test.done(test.message("hello", to: flow, blobs: [blob]), by: alice)

            #expect(try await test.storage.dropAllTables())
            #expect(try await !test.storage.dropAllTables())

            #expect(try await test.storage.migrationStatus().state == .empty)
            #expect(try await test.storage.engine.facts().sizeBytes >= 0)
            _ = try await test.storage.migrate()
            #expect(try await test.storage.counts() == StorageCounts(users: 0, flows: 0, messages: 0))
        }
    }

    @Test(arguments: StorageKind.available)
    func withoutTablesEveryUseSaysWhatToDo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind, migrated: false) { test in
            #expect(await storageFailure { _ = try await test.storage.counts() }?.code == .needsMigration)
            #expect(await storageFailure { _ = try await test.createUser("alice") }?.code == .needsMigration)
        }
    }

    /// Makes the tables as the first version did.
    private func makeFirstVersion(_ storage: Storage) async throws {
        let first = try #require(storage.engine.dialect.migrations.first)
        try await storage.engine.write { connection in
            for statement in first.statements { try connection.execute(statement) }
            try connection.execute(
                "INSERT INTO migrations (identifier, applied_ms) VALUES ($1, 1)", [.text(first.identifier)])
        }
    }

    @Test(arguments: StorageKind.available)
    func anOlderDatabaseIsBroughtUpToDateWithItsRows(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind, migrated: false) { test in
            try await makeFirstVersion(test.storage)
            for (id, login) in [(1, "alice"), (2, "42"), (3, "042")] as [(Int64, String)] {
                try await test.storage.engine.write { connection in
                    _ = try connection.execute(
                        """
                        INSERT INTO users (uuid, login, login_key, username, hash_password, is_bot, is_hidden, email,
                            avatar, bio, created_ms)
                        VALUES ($1, $2, $2, '', $3, 0, 0, '', '', '', 5)
                        """, [SQLValue(Identifier(UInt128(id))), .text(login), .text("hash of \(login)")])
                }
            }
            try await execute(
                """
                INSERT INTO flows (uuid, flow_type, title, info, owner_id, is_public, created_ms, event_count,
                    message_count, head_position)
                SELECT uuid, 'group', 'old', '', id, 1, 5, 1, 1, 7 FROM users WHERE login = 'alice'
                """,
                """
                INSERT INTO events (position, flow_id, seq, number, uuid, type, sender_id, time_ms, content)
                SELECT 7, f.id, 0, 0, u.uuid, 'message', f.owner_id, 5, f.uuid FROM flows f
                    JOIN users u ON u.login = '042'
                """, "UPDATE log_head SET position = 7, time_ms = 5", on: test.storage)
            for (name, hash) in [("root", "hash of alice"), ("changed since", "another hash")] {
                try await test.storage.engine.write { connection in
                    _ = try connection.execute(
                        "INSERT INTO admins (username, hash_password, created_ms) VALUES ($1, $2, 5)",
                        [.text(name), .text(hash)])
                }
            }
            #expect(try await test.storage.migrationStatus().state == .old)

            let missing = test.storage.engine.dialect.migrations.dropFirst().map(\.identifier)
            #expect(try await test.storage.migrate() == missing)

            try await test.storage.checkSchema()
            let users = try await test.storage.users(limit: 10)
            #expect(users.map(\.publicNumber) == [1_000_000_001, 42, 1_000_000_003])
            #expect(users.allSatisfy { $0.challengeSecret == nil })
            // Who was made with an account has the same salted hash.
            #expect(try await test.storage.admin(username: "root")?.user == UserID(1))
            #expect(try await test.storage.admin(username: "changed since")?.user == nil)
            #expect(try await test.storage.admin(username: "root")?.totpSecret == nil)
            #expect(try await test.storage.takeTOTPStep(1, of: "root"))
            #expect(
                try await test.storage.auditHead().head == AuditHead(number: 0, hash: [UInt8](repeating: 0, count: 32)))
            let flow = try #require(try await test.storage.flows(limit: 10).first)
            #expect(flow.title == "old" && !flow.isBridged)
            #expect(flow.eventCount == 1 && flow.messageCount == 1 && flow.head == Position(7))
            try await test.send("still works", from: UserID(1), to: flow.id)
            let messages = try await test.storage.messages(in: flow.id, numbers: 0..<9).messages
            #expect(messages.map(\.number) == [0, 1])
            #expect(messages.first?.position == Position(7) && messages.first?.uuid == Identifier(3))
            #expect(messages.first?.content == Identifier(1).bytes)
            #expect(try await test.storage.events(after: Position(6), limit: 9).map(\.position.rawValue) == [7, 8])
        }
    }

    /// A database of the release before 0007, with what it held of each kind.
    @Test(arguments: StorageKind.available)
    func headsOfAnOlderDatabaseAreMovedWithItsEvents(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind, migrated: false) { test in
            try await test.storage.engine.write { [storage = test.storage] connection in
                for migration in storage.engine.dialect.migrations where migration.identifier < "0007" {
                    for statement in migration.statements { try connection.execute(statement) }
                    try connection.execute(
                        "INSERT INTO migrations (identifier, applied_ms) VALUES ($1, 1)", [.text(migration.identifier)])
                }
                try connection.execute(
                    """
                    INSERT INTO users (uuid, login, login_key, username, hash_password, is_bot, is_hidden, email,
                        avatar, bio, created_ms)
                    VALUES ($1, 'alice', 'alice', '', '', 0, 0, '', '', '', 5)
                    """, [SQLValue(Identifier(1000))])
                // A public group, a private one, and one that was deleted and not yet purged.
                for (id, isPublic, deleted) in [(1, 1, nil), (2, 0, nil), (3, 0, 6)] as [(Int64, Int64, Int64?)] {
                    try connection.execute(
                        """
                        INSERT INTO flows (id, uuid, flow_type, title, info, owner_id, is_public, created_ms,
                            deleted_ms, event_count, message_count, head_position)
                        VALUES ($1, $2, 'group', '', '', 1, $3, 5, $4, 10, 9, $5)
                        """,
                        [.int(id), SQLValue(Identifier(UInt128(id))), .int(isPublic), SQLValue(deleted), .int(id + 27)])
                }
                try connection.execute(
                    "INSERT INTO flow_members (flow_id, user_id, joined_position) VALUES (2, 1, 2)")
                for position in Int64(1)...30 {
                    let seq = (position - 1) / 3
                    try connection.execute(
                        """
                        INSERT INTO events (position, flow_id, seq, number, uuid, type, sender_id, time_ms, content)
                        VALUES ($1, $2, $3, $4, $5, $6, 1, 5, $7)
                        """,
                        [
                            .int(position), .int((position - 1) % 3 + 1), .int(seq), SQLValue(seq == 0 ? nil : seq - 1),
                            SQLValue(Identifier(UInt128(2000 + position))), .text(seq == 0 ? "flow" : "message"),
                            .bytes(StorageUnderTest.content("\(position)")),
                        ])
                }
                try connection.execute("UPDATE events SET content = $1 WHERE number IS NULL", [.bytes([123, 125])])
                try connection.execute(
                    """
                    INSERT INTO events (position, uuid, type, state_key, time_ms, content)
                        VALUES (31, $1, 'user', '1', 5, $2)
                    """, [SQLValue(Identifier(1077)), .bytes([123, 125])])
                try connection.execute("UPDATE log_head SET position = 31, time_ms = 5, last_flow = 3")
            }
            let alice = UserID(1)

            let applied = try await test.storage.migrate()
            #expect(
                applied == [
                    "0007_heads", "0008_audit", "0009_search", "0010_passwords", "0011_announcements", "0012_modes",
                ])

            #expect(try await FlowHeadTests.wrongHeads(of: test.storage) == [])
            let events = try await test.storage.events(after: .start, limit: 100)
            #expect(events.map(\.position.rawValue) == Array(1...31))
            #expect(events.allSatisfy { $0.protocol == nil })
            #expect(events[30].subject == 1 && events[30].flow == nil && events[30].uuid == Identifier(1077))
            #expect(events[29].seq == 9 && events[29].number == 8 && events[29].flow == FlowID(3))
            let unread = try await test.storage.updates(
                for: alice, after: Position(20), limit: 100, wholeSeconds: false, bodies: false)
            #expect(unread.messages.map(\.text) == [22, 23, 25, 26, 28, 29].map { "\($0)" })
            for flow in [FlowID(1), FlowID(2)] {
                #expect(try await test.send("still works", from: alice, to: flow).number == 9)
            }
            #expect(try await test.refusal(of: test.message("late", to: FlowID(3)), by: alice) == .noSuchFlow)
            while try await !test.storage.purgeDeletedFlows() {}
            #expect(try await test.storage.events(after: .start, limit: 100).count == 33 - 10)
            #expect(try await FlowHeadTests.wrongHeads(of: test.storage) == [])
        }
    }

    /// Table, column, type, whether NULL is refused and what stands for a missing value, of every table.
    private func columns(of storage: Storage) async throws -> [SQLRow] {
        let sql =
            storage.engine.dialect.name == "sqlite"
            ? """
            SELECT t.name, c.name, c.type, c."notnull", c.dflt_value
            FROM sqlite_master t, pragma_table_xinfo(t.name) c
            WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*'
            ORDER BY t.name, c.name
            """
            : """
            SELECT table_name::text, column_name::text, data_type::text, (is_nullable = 'NO')::int, column_default::text
            FROM information_schema.columns
            WHERE table_schema = current_schema()
            ORDER BY table_name, column_name
            """
        return try await storage.engine.read { connection in try connection.rows(sql) }
    }

    @Test(arguments: StorageKind.available)
    func freshAndUpgradedDatabasesAreEqual(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { fresh in
            try await StorageUnderTest.with(kind, migrated: false) { old in
                try await makeFirstVersion(old.storage)
                let before = try await columns(of: old.storage)

                _ = try await old.storage.migrate()

                let after = try await columns(of: old.storage)
                #expect(after == (try await columns(of: fresh.storage)))
                #expect(after.count > before.count + 40)
            }
        }
    }

    @Test(.enabled(if: StorageKind.available.contains(.postgres)))
    func bothEnginesHaveTheSameColumns() async throws {
        try await StorageUnderTest.with(.sqliteMemory) { sqlite in
            try await StorageUnderTest.with(.postgres) { postgres in
                // Full-text search is each engine's own.
                func names(_ test: StorageUnderTest) async throws -> Set<String> {
                    var names: Set<String> = []
                    for row in try await columns(of: test.storage) {
                        if case .text(let table) = row[0], case .text(let column) = row[1] {
                            names.insert("\(table).\(column)")
                        }
                    }
                    return names.filter { !$0.hasPrefix("message_search") && !$0.hasPrefix("search_head") }
                }

                let ours = try await names(sqlite)
                #expect(ours.count > 100)
                #expect(ours == (try await names(postgres)))
            }
        }
    }
}

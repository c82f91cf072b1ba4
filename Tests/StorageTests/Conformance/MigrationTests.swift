// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct MigrationTests {
    private func execute(_ sql: String..., on storage: Storage) async throws {
        try await storage.engine.write { connection throws(StorageError) in
            for statement in sql { try connection.execute(statement) }
        }
    }

    /// What the tables of Parley hold, to see that a refusal changed nothing.
    private func applied(on storage: Storage) async throws -> [SQLRow] {
        try await storage.engine.read { connection throws(StorageError) in
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

                    #expect(applied == test.storage.engine.dialect.migrations.map(\.identifier))
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
}

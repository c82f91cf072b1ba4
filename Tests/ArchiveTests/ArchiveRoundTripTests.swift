// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Storage
import TestSupport
import Testing

@testable import Archive

struct ArchiveRoundTripTests {
    @Test(arguments: StorageKind.available, StorageKind.available)
    func whatIsRestoredIsWhatWasThere(from: StorageKind, into: StorageKind) async throws {
        try await StorageUnderTest.with(from) { source in
            try await ArchiveScene.fill(source)
            let first = try await ArchiveScene.archive(of: source.storage)

            try await StorageUnderTest.with(into, migrated: false) { target in
                _ = try await ArchiveScene.restore(first.bytes, into: target.storage)
                let second = try await ArchiveScene.archive(of: target.storage)

                #expect(second.report.manifest.tables == first.report.manifest.tables)
                #expect(second.report.manifest.attachments == 2)
                let members = try ArchiveScene.members(of: first.bytes).filter { $0.name.contains("/") }
                let again = try ArchiveScene.members(of: second.bytes).filter { $0.name.contains("/") }
                #expect(members.map(\.name) == again.map(\.name))
                #expect(zip(members, again).allSatisfy { $0.bytes == $1.bytes })
            }
        }
    }

    /// What people do with a restored database.
    @Test(arguments: StorageKind.available)
    func aRestoredDatabaseGoesOn(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await ArchiveScene.fill(source)
            let archive = try await ArchiveScene.archive(of: source.storage)
            let head = try await source.storage.head()
            let audit = try await source.storage.auditHead()

            try await StorageUnderTest.with(kind, migrated: false) { target in
                _ = try await ArchiveScene.restore(archive.bytes, into: target.storage)
                try await target.storage.checkSchema()
                let found = try await target.storage.messages(
                    matching: ["edited"], limit: 10, text: StorageUnderTest.text)
                // The numbers of this store's own things begin far from those that were restored.
                let uuid = Identifier(UInt128(1_000_000))
                let carol = try await target.done(
                    Write.CreateUser(
                        NewUser(uuid: uuid, login: "carol", loginKey: "carol", username: "", passwordHash: "h"))
                ).userID
                let group = try await target.storage.commit([
                    Write(
                        Write.CreateFlow(
                            NewFlow(
                                uuid: Identifier(UInt128(1_000_002)), kind: .group, title: "new", info: "",
                                owner: carol, isPublic: true, members: [])),
                        by: WriteOrigin(uuid: Identifier(UInt128(1_000_001)), author: carol))
                ])

                #expect(found.messages.map(\.text) == ["edited ü"])
                #expect(try await target.storage.auditHead() == audit && audit.last == 1)
                #expect(carol == UserID(4))
                #expect(try group.outcomes.first?.receipt.flowID == FlowID(3))
                #expect(try group.outcomes.first?.receipt.position == Position(head.rawValue + 2))
                #expect(try await count("sessions", target.storage) == 0)
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func eachTableIsKeptOrLeftOutForAReason(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await ArchiveScene.fill(test)
            let schema = try await test.storage.readTables { reader in reader.tables }
            let archive = try await ArchiveScene.archive(of: test.storage)

            let kept = archive.report.manifest.tables.map(\.name)
            #expect(Set(schema.map(\.name) + Storage.searchTables) == Set(test.storage.engine.dialect.tables))
            #expect(Set(test.storage.engine.dialect.tables) == Set(kept).union(ArchiveForm.leftOut.keys))
            // Otherwise the tests of this suite would not see what becomes of the rows.
            for table in archive.report.manifest.tables { #expect(table.rows > 0, "\(table.name) is empty") }
        }
    }

    @Test(.enabled(if: StorageKind.postgresURI != nil))
    func bothEnginesDescribeTheSameTables() async throws {
        var described: [[StoredTable]] = []
        for kind in [StorageKind.sqliteMemory, .postgres] {
            try await StorageUnderTest.with(kind) { test in
                described.append(try await test.storage.readTables { reader in reader.tables })
            }
        }

        #expect(described.count == 2 && described[0].count == described[1].count)
        for (sqlite, postgres) in zip(described[0], described[1]) {
            #expect(sqlite == postgres)
        }
    }

    @Test(arguments: StorageKind.available)
    func anOlderSchemaIsBroughtUpToDate(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory, migrated: false) { old in
            _ = try await old.storage.migrate(upTo: "0004_admin_accounts")
            try await old.storage.engine.write { connection in
                try connection.execute(
                    """
                    INSERT INTO users (uuid, login, login_key, username, hash_password, is_bot, is_hidden, email,
                        avatar, bio, created_ms)
                    VALUES (x'00112233445566778899aabbccddeeff', 'alice', 'alice', '', '', 0, 0, '', '', '', 1)
                    """)
            }
            let archive = try await ArchiveScene.archive(of: old.storage)

            try await StorageUnderTest.with(kind) { target in
                let report = try await ArchiveScene.restore(archive.bytes, into: target.storage)

                #expect(report.about.schema.last == "0004_admin_accounts")
                try await target.storage.checkSchema()
                #expect(try await target.storage.user(loginKey: "alice")?.id == UserID(1))
                #expect(try await target.createUser("bob") == UserID(2))
            }
        }
    }

    /// A table larger than a page and a part, and rows larger than either.
    @Test(arguments: StorageKind.available)
    func largeTablesAreReadInParts(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice, members: [])
            let long = String(repeating: "x", count: 3 << 20)
            for text in ["first", long, "between", long, long] { try await test.send(text, from: alice, to: flow) }
            for _ in 0..<10 {
                let writes = (0..<1000).map { test.write(test.message("message \($0)", to: flow), by: alice) }
                _ = try await test.storage.commit(writes)
            }

            let archive = try await ArchiveScene.archive(of: test.storage)

            let parts = try ArchiveScene.members(of: archive.bytes).filter { $0.name.hasPrefix("tables/events/") }
            #expect(parts.count > 3)
            try await StorageUnderTest.with(.sqliteMemory, migrated: false) { target in
                _ = try await ArchiveScene.restore(archive.bytes, into: target.storage)
                #expect(try await count("events", target.storage) == 10_007)
                let again = try await ArchiveScene.archive(of: target.storage)
                #expect(again.report.manifest.tables == archive.report.manifest.tables)
            }
        }
    }

    /// What is written while a backup is made is not in it, and is not held up by it.
    @Test(arguments: StorageKind.shared)
    func aBackupIsOneMoment(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await ArchiveScene.fill(test)
            let before = try await ArchiveScene.archive(of: test.storage)

            let during = try await withWrites(beside: test.storage, test)

            #expect(during.manifest.tables == before.report.manifest.tables)
            #expect(try await test.storage.user(loginKey: "late") != nil)
        }
    }

    /// Makes a backup, and an account when the backup has begun.
    private func withWrites(beside storage: Storage, _ test: StorageUnderTest) async throws -> Backup.Report {
        try await withThrowingTaskGroup(of: Backup.Report?.self) { group in
            let gate = Gate()
            group.addTask {
                let folder = try TemporaryFolder()
                defer { folder.remove() }
                return try await ArchiveFile.write(to: folder.path("archive.tar.gz")) { descriptor in
                    try await Backup(program: "1", files: []).write(storage, to: descriptor) { _ in
                        gate.block()
                    }
                }
            }
            group.addTask {
                await gate.arrival()
                _ = try await test.createUser("late")
                gate.open()
                return nil
            }
            var report: Backup.Report?
            while let result = try await group.next() { report = result ?? report }
            return try #require(report)
        }
    }

    private func count(_ table: String, _ storage: Storage) async throws -> Int64 {
        try await storage.readTables { reader in
            guard let table = reader.tables.first(where: { $0.name == table }) else { return -1 }
            return try reader.count(of: table)
        }
    }
}

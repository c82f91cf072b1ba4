// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Archive

struct DatabaseCopyTests {
    private struct Interruption: Error {}

    /// What both sides of a copy must have alike.
    private func tables(of storage: Storage) async throws -> [ArchiveManifest.Table] {
        try await ArchiveScene.archive(of: storage).report.manifest.tables
    }

    @Test(arguments: StorageKind.available, StorageKind.available)
    func aCopyIsTheSame(from: StorageKind, into: StorageKind) async throws {
        try await StorageUnderTest.with(from) { source in
            try await ArchiveScene.fill(source)
            try await StorageUnderTest.with(into, migrated: false) { target in
                let copy = DatabaseCopy(from: source.storage, to: target.storage)
                let plan = try await copy.plan()
                #expect(try await target.storage.migrationStatus().state == .empty)

                let report = try await copy.run()

                #expect(report.tables == plan.tables && !report.isContinuation)
                try await target.storage.checkSchema()
                #expect(try await tables(of: target.storage) == tables(of: source.storage))
                let found = try await target.storage.messages(
                    matching: ["edited"], limit: 10, text: StorageUnderTest.text)
                #expect(found.messages.map(\.text) == ["edited ü"])
                // Who was logged in still is.
                let session = try await target.storage.session(tokenHash: [UInt8](repeating: 9, count: 32))
                #expect(session != nil)
                // The uuids of this store begin anew.
                for _ in 0..<1000 { _ = target.newUUID() }
                #expect(try await target.createUser("dora") == UserID(4))
            }
        }
    }

    /// Interrupted after each step in turn, the target is refused until the copy was continued to its end.
    @Test(arguments: StorageKind.available)
    func anInterruptedCopyContinues(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await ArchiveScene.fill(source, messages: 5000)
            for step in [1, 2, 3, 4, 6, 10, 15] {
                try await StorageUnderTest.with(kind, migrated: false) { target in
                    let steps = Mutex(0)
                    await #expect(throws: Interruption.self) {
                        _ = try await DatabaseCopy(from: source.storage, to: target.storage) { _ in
                            try steps.withLock { steps in
                                steps += 1
                                if steps == step { throw Interruption() }
                            }
                        }.run()
                    }
                    let refusal = await #expect(throws: StorageError.self) { try await target.storage.checkSchema() }
                    #expect(refusal?.message.contains("A copy into the database was not finished.") == true)

                    let report = try await DatabaseCopy(from: source.storage, to: target.storage).run()

                    #expect(report.isContinuation)
                    #expect(try await tables(of: target.storage) == tables(of: source.storage))
                }
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func aSourceThatChangedIsNoticed(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await ArchiveScene.fill(source)
            try await StorageUnderTest.with(kind, migrated: false) { target in
                await #expect(throws: Interruption.self) {
                    _ = try await DatabaseCopy(from: source.storage, to: target.storage) { _ in throw Interruption() }
                        .run()
                }
                _ = try await source.createUser("late")

                let error = await #expect(throws: ArchiveError.self) {
                    _ = try await DatabaseCopy(from: source.storage, to: target.storage).run()
                }

                #expect(error?.code == .notEmpty)
                #expect(try await target.storage.dropAllTables())
                _ = try await DatabaseCopy(from: source.storage, to: target.storage).run()
                #expect(try await target.storage.user(loginKey: "late") != nil)
            }
        }
    }

    /// What the log does not tell of is found when both sides are compared.
    @Test(arguments: StorageKind.available)
    func rowsThatDifferAreFound(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await ArchiveScene.fill(source)
            try await StorageUnderTest.with(kind, migrated: false) { target in
                await #expect(throws: Interruption.self) {
                    _ = try await DatabaseCopy(from: source.storage, to: target.storage) { step in
                        if step.phase == "rows compared" { throw Interruption() }
                    }.run()
                }
                try await target.storage.engine.write { connection in
                    try connection.execute("UPDATE events SET time_ms = time_ms + 1 WHERE position = 3")
                }

                let error = await #expect(throws: ArchiveError.self) {
                    _ = try await DatabaseCopy(from: source.storage, to: target.storage).run()
                }

                #expect(error?.description.contains("Table 'events'") == true)
                await #expect(throws: StorageError.self) { try await target.storage.checkSchema() }
            }
        }
    }

    /// A copy was killed while it made the tables.
    @Test(arguments: StorageKind.available)
    func aTargetWithSomeOfTheTablesIsFilled(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await ArchiveScene.fill(source)
            for migration in source.storage.engine.dialect.migrations.map(\.identifier) {
                try await StorageUnderTest.with(kind, migrated: false) { target in
                    _ = try await target.storage.migrate(upTo: migration)

                    let report = try await DatabaseCopy(from: source.storage, to: target.storage).run()

                    #expect(!report.isContinuation)
                    let (copied, there) = (try await target.storage.counts(), try await source.storage.counts())
                    #expect(copied == there, "after \(migration)")
                }
            }
        }
    }

    /// A copy that was killed after its end is found to be whole, as long as nothing has changed since.
    @Test(arguments: StorageKind.available)
    func aCopyThatIsCompleteIsCompared(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await ArchiveScene.fill(source)
            try await StorageUnderTest.with(kind, migrated: false) { target in
                let copy = DatabaseCopy(from: source.storage, to: target.storage)
                let made = try await copy.run()

                for again in [try await copy.plan(), try await copy.run()] {
                    #expect(again.wasComplete && !again.isContinuation && again.tables == made.tables)
                }
                #expect(!made.wasComplete)
                // What the head of the log does not tell.
                try await target.storage.engine.write { connection in
                    try connection.execute("UPDATE events SET time_ms = time_ms + 1 WHERE position = 3")
                }
                let changed = await #expect(throws: ArchiveError.self) { _ = try await copy.run() }
                #expect(changed?.code == .notEmpty)
                #expect(changed?.description.contains("db delete") == false)
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func aTargetWithDataIsKept(kind: StorageKind) async throws {
        try await StorageUnderTest.with(.sqliteMemory) { source in
            try await StorageUnderTest.with(kind) { target in
                _ = try await target.createUser("dora")

                let error = await #expect(throws: ArchiveError.self) {
                    _ = try await DatabaseCopy(from: source.storage, to: target.storage).run()
                }

                #expect(error?.code == .notEmpty)
                #expect(try await target.storage.counts().users == 1)
            }
        }
    }
}

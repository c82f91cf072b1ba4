// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import StorageSQLite
import Synchronization
import TestSupport
import Testing

@testable import Storage

struct SQLiteEngineTests {
    /// Runs `body` with the path of a database that has a message, and that nobody has open.
    private func withClosedDatabase(_ body: (String) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/parley.db"
        let storage = Storage(engine: try SQLiteEngine(.file(path), create: true), now: { Timestamp(seconds: 1) })
        _ = try await storage.migrate()
        let user = NewUser(
            uuid: Identifier(1), login: "alice", loginKey: "alice", username: "", passwordHash: "",
            bio: String(repeating: "x", count: 50_000))
        let action = Write.CreateUser(user)
        _ = try await storage.commit([Write(action, by: WriteOrigin(uuid: Identifier(2), author: nil))])
        await storage.close()
        try await body(path)
    }

    private func bytes(of path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "rb"))
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(count))
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "wb"))
        defer { fclose(file) }
        try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    private func openingFailure(_ path: String, create: Bool = true) -> StorageError? {
        do throws(StorageError) {
            _ = try SQLiteEngine(.file(path), create: create, busySeconds: 0.05)
            return nil
        } catch {
            return error
        }
    }

    @Test func theWriterFlushesEveryCommit() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let onWriter = try await test.storage.engine.write { connection in
                try connection.rows("PRAGMA synchronous")
            }
            let facts = try await test.storage.engine.facts()

            #expect(onWriter == [[.int(2)]])
            #expect(facts.durability == ["synchronous": "FULL", "journal_mode": "wal"])
            #expect(facts.version.hasPrefix("SQLite 3.") && facts.sizeBytes > 0 && facts.location == test.path)
        }
    }

    @Test func aFileThatIsNotThereIsMadeOnlyOnDemand() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/new.db"

        #expect(openingFailure(path, create: false)?.code == .notFound)
        #expect(access(path, F_OK) != 0)
        #expect(openingFailure(path) == nil)
        #expect(access(path, F_OK) == 0)
        #expect(openingFailure(folder.path + "/missing/new.db")?.code == .unusable)
    }

    @Test func aFileThatIsNoDatabaseIsRefusedAndKept() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/letter.txt"
        let letter = Array(repeating: Array("Dear database, ".utf8), count: 500).flatMap(\.self)
        try write(letter, to: path)

        #expect(openingFailure(path)?.code == .unusable)
        #expect(try bytes(of: path) == letter)
    }

    @Test func aDatabaseThatMayOnlyBeReadIsRefusedAndKept() async throws {
        try await withClosedDatabase { path in
            var contents = try bytes(of: path)
            // The file format's write version: one that this SQLite does not know makes the file read-only, for root
            // too.
            contents[18] = 3
            try write(contents, to: path)

            let failure = openingFailure(path)

            #expect(failure?.code == .unusable)
            #expect(failure?.message.contains("read-only") == true)
            #expect(try bytes(of: path) == contents)
        }
    }

    @Test func aCorruptDatabaseIsNoticed() async throws {
        try await withClosedDatabase { path in
            let contents = try bytes(of: path)
            // All but the first page, which has the form of a database still.
            try write(Array(contents[..<4096]) + contents.dropFirst(4096).map { _ in 0xAA }, to: path)
            #expect(openingFailure(path)?.code == .unusable)

            // Only the pages at the end, where the long text of the account is.
            let kept = contents.dropLast(6 * 4096)
            try write(kept + [UInt8](repeating: 0xAA, count: 6 * 4096), to: path)
            let engine = try SQLiteEngine(.file(path), create: false)
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })

            #expect(await storageFailure { _ = try await storage.users(limit: 10) }?.code == .unusable)
            #expect(try await !integrityProblems(of: engine).isEmpty)
            await storage.close()
        }
    }

    @Test func aSoundDatabaseHasNoProblems() async throws {
        try await withClosedDatabase { path in
            let engine = try SQLiteEngine(.file(path), create: false)

            #expect(try await integrityProblems(of: engine) == [])
            await engine.close()
        }
    }

    @Test func aDatabaseThatAnotherHasLockedIsUnavailable() async throws {
        try await withClosedDatabase { path in
            let holder = try SQLiteEngine(.file(path), create: false)
            let other = try SQLiteEngine(.file(path), create: false, busySeconds: 0.05)
            let (began, continuation) = AsyncStream.makeStream(of: Void.self)
            let isOver = Mutex(false)

            async let held: Void = holder.write { connection in
                continuation.finish()
                // This thread is the engine's own and may wait.
                while !isOver.withLock({ $0 }) { sched_yield() }
            }
            for await _ in began {}
            let failure = await storageFailure {
                try await other.write { connection in _ = try connection.execute("UPDATE log_head SET time_ms = 5") }
            }
            // Readers go on.
            let rows = try await other.read { connection in try connection.rows("SELECT position FROM log_head") }
            isOver.withLock { $0 = true }
            try await held

            #expect(failure?.code == .unavailable)
            #expect(rows == [[.int(1)]])
            try await other.write { connection in _ = try connection.execute("UPDATE log_head SET time_ms = 5") }
            await holder.close()
            await other.close()
        }
    }

    @Test func aClosedEngineIsUnavailable() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let alice = try await test.createUser("alice")
            await test.storage.close()

            #expect(await storageFailure { _ = try await test.storage.head() }?.code == .unavailable)
            #expect(await storageFailure { try await test.done(Write.DeleteUser(alice)) }?.code == .unavailable)
        }
    }

    @Test func nothingRunsAfterATransactionThatSQLiteEnded() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let failure = await storageFailure {
                try await test.storage.engine.write { connection in
                    try connection.execute("UPDATE log_head SET position = 5")
                    // As SQLite itself does when, for example, the disk is full.
                    try connection.execute("ROLLBACK")
                    try connection.execute("UPDATE log_head SET position = 7")
                }
            }

            #expect(failure?.code == .writeFailed)
            #expect(try await test.storage.head() == .start)
            _ = try await test.createUser("alice")
            #expect(try await test.storage.head() == Position(1))
        }
    }

    @Test func aFullDiskFailsTheWriteThatDoesNotFit() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            try await test.storage.engine.write { connection in
                guard case .int(let pages)? = try connection.rows("PRAGMA page_count").first?.first else { return }
                _ = try connection.rows("PRAGMA max_page_count = \(pages + 30)")
            }
            let large = Write.SendMessage(
                flow: flow, content: [UInt8](repeating: 0x20, count: 1 << 20), blobs: [])

            var outcomes: [WriteOutcome<any Sendable>] = []
            do throws(StorageError) {
                outcomes = try await test.storage.commit([
                    test.write(test.message("before", to: flow), by: alice), test.write(large, by: alice),
                    test.write(test.message("after", to: flow), by: alice),
                ]).outcomes
            } catch {
                #expect(error.code == .full)
            }

            #expect(outcomes.isEmpty || outcomes[1].failure?.code == .full)
            let done = outcomes.count { (try? $0.receipt) != nil }
            #expect(try await test.storage.flow(flow)?.messageCount == Int64(done))
            let next = try await test.send("next", from: alice, to: flow)
            #expect(next.number == Int64(done))
            let events = try await test.storage.events(after: .start, limit: 100)
            #expect(events.map(\.position.rawValue) == Array(1...Int64(events.count)))
        }
    }

    @Test func valuesOfAnySizeAndShapeComeBack() async throws {
        try await StorageUnderTest.with(.sqliteMemory) { test in
            let values: [SQLValue] = [
                .null, .int(.min), .int(.max), .text(""), .text("a\u{0}b🙂"), .bytes([]), .bytes([0, 255]),
                .bytes([UInt8](repeating: 7, count: 3 << 20)),
            ]
            for value in values {
                let rows = try await test.storage.engine.read { connection in
                    try connection.rows("SELECT $1", [value])
                }
                #expect(rows == [[value]])
            }
            let failure = await storageFailure {
                _ = try await test.storage.engine.read { connection in try connection.rows("SELECT $1, $2", [.int(1)]) }
            }
            #expect(failure?.code == .readFailed)
        }
    }

    // MARK: The lock file

    @Test func aDatabaseBelongsToOneProcess() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/parley.db"
        func failure(_ path: String) -> StorageError.Code? {
            do throws(StorageError) {
                _ = try DatabaseLock(databasePath: path)
                return nil
            } catch {
                return error.code
            }
        }

        let lock = try DatabaseLock(databasePath: path)
        #expect(failure(path) == .unavailable)
        #expect(failure(folder.path + "/other.db") == nil)
        withExtendedLifetime(lock) {}
        #expect(failure(folder.path + "/missing/parley.db") == .unusable)
        var status = stat()
        #expect(stat(path + ".lock", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func theLockGoesWithItsHolder() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        for _ in 0..<3 { _ = try DatabaseLock(databasePath: folder.path + "/parley.db") }
    }

    /// Between its fork and its exec a child of another thread has a copy of every descriptor.
    @Test func aChildThatIsStartingDoesNotKeepTheLock() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/parley.db"
        let lock = try DatabaseLock(databasePath: path)
        let copy = try #require(Self.copyOfDescriptor(of: path + ".lock"))
        defer { close(copy) }

        lock.release()

        _ = try DatabaseLock(databasePath: path)
    }

    private static func copyOfDescriptor(of path: String) -> Int32? {
        for descriptor in Int32(0)..<4096 {
            var target = [UInt8](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
            if count > 0, String(decoding: target[..<count], as: UTF8.self) == path { return dup(descriptor) }
        }
        return nil
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import GRDBSQLite
package import Storage
import Synchronization

/// SQLite through GRDB: one pool for a file (one writer, readers beside it, WAL), one queue for a database in memory.
package final class SQLiteEngine: StorageEngine {
    package let dialect = SQLiteDialect.dialect
    package let signals: any LogSignals = InProcessSignals()
    private let database: any DatabaseWriter
    private let path: String?
    private let writer: WriterThread
    private let search: SearchFile
    private let isDerived: Bool
    private let usage = Mutex(Usage())
    /// What the connection that writes keeps of the file, at most, in KiB.
    ///
    /// It has room for the pages that messages into some thousand flows go to; with SQLite's own 2 MB each of these is
    /// read again for every message.
    private static let writerCacheKiB = 64 << 10

    /// SQLite must not be called after its end: calls are counted, and the end waits for them.
    private struct Usage {
        var calls = 0
        var isClosed = false
        /// Why nothing is written any more.
        var doubt: StorageError?
        var end: CheckedContinuation<Void, Never>?
    }

    /// Where the database is.
    package enum Location: Sendable, Equatable {
        case memory
        case file(String)
        /// Another program's, which must not be changed.
        case readOnly(String)
    }

    /// Opens the database; makes an empty file when there is none and `create` says so.
    ///
    /// With `isReadOnly` nothing can be written, and another process may write beside this one.
    ///
    /// `readers` are connections for reading, 1 or more; a statement waits `busySeconds` for another process's lock.
    /// After so many `checkpointPages` the write-ahead log goes into the file.
    ///
    /// - Throws: `.notFound`, `.unusable` (no database, corrupt, read-only, no such folder), `.unavailable` (locked).
    package convenience init(
        _ location: Location, create: Bool, readers: Int = 4, busySeconds: Double = 5, checkpointPages: Int = 4000,
        isReadOnly: Bool = false
    ) throws(StorageError) {
        try self.init(
            location, create: create, readers: readers, busySeconds: busySeconds, checkpointPages: checkpointPages,
            isReadOnly: isReadOnly,
            search: SearchFile(location, busySeconds: busySeconds, isReadOnly: isReadOnly), isDerived: false)
    }

    /// A file that `isDerived` may be lost: after any failure it is closed like others, and made anew by its next user.
    init(
        _ location: Location, create: Bool, readers: Int, busySeconds: Double, checkpointPages: Int = 4000,
        isReadOnly: Bool, search: SearchFile, isDerived: Bool
    ) throws(StorageError) {
        self.search = search
        self.isDerived = isDerived
        guard let writer = WriterThread() else {
            throw StorageError(.unavailable, "The system gave no thread for writing. Raise its limits.")
        }
        self.writer = writer
        var configuration = Configuration()
        configuration.label = "parley"
        configuration.readonly = isReadOnly
        configuration.maximumReaderCount = max(1, readers)
        configuration.busyMode = .timeout(busySeconds)
        do {
            switch location {
            case .memory:
                path = nil
                database = try DatabaseQueue(configuration: configuration)
            case .file(let file):
                path = file
                guard create || FileManager.default.fileExists(atPath: file) else {
                    throw StorageError(
                        .notFound, "There is no database '\(file)'. Create it with 'manage db create'.")
                }
                database = try DatabasePool(path: file, configuration: configuration)
            case .readOnly(let file):
                path = file
                guard FileManager.default.fileExists(atPath: file) else {
                    throw StorageError(.notFound, "There is no database '\(file)'.")
                }
                configuration.readonly = true
                database = try DatabaseQueue(path: file, configuration: configuration)
                return
            }
            // GRDB sets NORMAL when it opens a pool, which loses commits when the power fails.
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA wal_autocheckpoint = \(checkpointPages)")
                if !isDerived { try db.execute(sql: "PRAGMA cache_size = -\(Self.writerCacheKiB)") }
            }
        } catch let error as StorageError {
            throw error
        } catch {
            throw SQLiteFailure.storageError(error, path: path, during: .read)
        }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try begin()
        defer { finish() }
        do {
            return try await database.read { db in try body(SQLiteConnection(db, isWriter: false)) }
        } catch {
            throw SQLiteFailure.storageError(error, path: path, during: .read)
        }
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try begin()
        defer { finish() }
        return try await writer.run {
            try self.database.writeWithoutTransaction { db in self.transaction(on: db, body) }.get()
        }
    }

    /// Runs a transaction on the writer's thread; none after one that left the file in doubt.
    private func transaction<Value>(
        on db: Database, _ body: (any SQLConnection) throws -> Value
    ) -> Result<Value, StorageError> {
        if let doubt = usage.withLock({ $0.doubt }) { return .failure(doubt) }
        var value: Value?
        var phase = SQLiteFailure.Phase.write
        do {
            try db.inTransaction(.immediate) {
                value = try body(SQLiteConnection(db, isWriter: true))
                phase = .commit
                return .commit
            }
            if let value { return .success(value) }
            return .failure(StorageError(.writeFailed, "The transaction ended without a result. Try again."))
        } catch {
            let failure = SQLiteFailure.storageError(
                error, path: path, during: phase, systemError: sqlite3_system_errno(db.sqliteConnection))
            if failure.code == .inDoubt { usage.withLock { $0.doubt = failure } }
            return .failure(failure)
        }
    }

    package var writerExecutor: (any TaskExecutor)? { writer }

    package func facts() async throws(StorageError) -> EngineFacts {
        try begin()
        defer { finish() }
        do {
            return try await database.writeWithoutTransaction { [path, search] db in
                func text(_ sql: String) throws -> String { try String.fetchOne(db, sql: sql) ?? "" }
                func number(_ sql: String) throws -> Int64 { try Int64.fetchOne(db, sql: sql) ?? 0 }
                let levels = ["OFF", "NORMAL", "FULL", "EXTRA"]
                let synchronous = Int(try number("PRAGMA synchronous"))
                return EngineFacts(
                    version: "SQLite " + (try text("SELECT sqlite_version()")), location: path ?? ":memory:",
                    sizeBytes: try number("PRAGMA page_count") * number("PRAGMA page_size") + search.sizeBytes,
                    durability: [
                        "synchronous": levels.indices.contains(synchronous) ? levels[synchronous] : "\(synchronous)",
                        "journal_mode": try text("PRAGMA journal_mode"),
                    ])
            }
        } catch {
            throw SQLiteFailure.storageError(error, path: path, during: .read)
        }
    }

    package func searchIndex() async throws(StorageError) -> (any StorageEngine)? { try await search.engine() }

    package func remakeSearchIndex() async throws(StorageError) { try await search.remake() }

    package func sweepSearchIndex() async throws(StorageError) {
        if let index = try await search.engine() { try await index.sweep() }
    }

    /// Runs `body` on the connection that writes, before its first use.
    func setUp(_ body: (Database) throws -> Void) throws(StorageError) {
        do {
            try database.writeWithoutTransaction(body)
        } catch {
            throw SQLiteFailure.storageError(error, path: path, during: .read)
        }
    }

    /// Runs `body` on the connection that writes, on its thread and outside any transaction.
    func onWriter<Value>(_ body: @escaping (Database) throws -> Value) async throws(StorageError) -> Value {
        try begin()
        defer { finish() }
        return try await writer.run {
            do {
                return try self.database.writeWithoutTransaction(body)
            } catch {
                throw SQLiteFailure.storageError(error, path: self.path, during: .write)
            }
        }
    }

    package func close() async {
        let isFirst = usage.withLock { usage in
            defer { usage.isClosed = true }
            return !usage.isClosed
        }
        guard isFirst else { return }
        await signals.close()
        await search.close()
        await withCheckedContinuation { continuation in
            let isIdle = usage.withLock { usage in
                guard usage.calls > 0 else { return true }
                usage.end = continuation
                return false
            }
            if isIdle { continuation.resume() }
        }
        // What is on the disk is all that can be relied on: the next start reads it.
        if !isDerived, usage.withLock({ $0.doubt }) != nil { return }
        // The connection that is closed last may be a reader's, which cannot do it: afterwards the one file holds
        // everything.
        _ = try? await database.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        try? database.close()
    }

    private func begin() throws(StorageError) {
        let isOpen = usage.withLock { usage in
            if !usage.isClosed { usage.calls += 1 }
            return !usage.isClosed
        }
        guard isOpen else { throw StorageError(.unavailable, "The database is closed.") }
    }

    private func finish() {
        let end = usage.withLock { usage -> CheckedContinuation<Void, Never>? in
            usage.calls -= 1
            guard usage.calls == 0 else { return nil }
            defer { usage.end = nil }
            return usage.end
        }
        end?.resume()
    }
}

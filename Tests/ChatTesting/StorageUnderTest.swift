// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
package import Storage
import StoragePostgres
import StorageSQLite
import Synchronization
import TestSupport

/// The kinds of store that one suite of tests runs on.
package enum StorageKind: String, Sendable, CaseIterable {
    case sqliteMemory, sqliteFile, postgres

    /// `postgres://user:password@127.0.0.1:port/name`, as `Scripts/postgres start` prints it.
    package static let postgresURI: String? = getenv("PARLEY_TEST_POSTGRES").map { String(cString: $0) }

    /// What can be tested here: PostgreSQL only if `PARLEY_TEST_POSTGRES` names a server.
    package static let available: [StorageKind] = allCases.filter { $0 != .postgres || postgresURI != nil }

    /// The kinds that several processes can share.
    package static let shared: [StorageKind] = available.filter { $0 != .sqliteMemory }
}

/// A wall clock that stands still until a test moves it, also backwards.
package final class StorageClock: Sendable {
    private let time: Mutex<Timestamp>

    package init(milliseconds: Int64 = 1_700_000_000_000) {
        time = Mutex(Timestamp(milliseconds: milliseconds))
    }

    /// What it shows.
    package var now: Timestamp {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }

    /// Moves it by so much.
    package func advance(milliseconds: Int64) {
        time.withLock { $0 = Timestamp(milliseconds: $0.milliseconds + milliseconds) }
    }
}

/// A store of one test's own, on an engine of the given kind, and its clock.
package struct StorageUnderTest: Sendable {
    package let kind: StorageKind
    package let storage: Storage
    package let clock: StorageClock
    /// What `[DATABASE] URI` would say; `nil` for a database in memory.
    package let uri: String?
    /// The SQLite file, if there is one.
    package let path: String?
    private let makeEngine: @Sendable () throws -> any StorageEngine
    private let numbers = Tally()

    private static let turnstile = Turnstile(places: 6)

    /// Runs `body` on a fresh store and removes it afterwards, whatever happens.
    ///
    /// The schema is made first unless `migrated` says no.
    package static func with(
        _ kind: StorageKind, migrated: Bool = true, _ body: (StorageUnderTest) async throws -> Void
    ) async throws {
        switch kind {
        case .sqliteMemory:
            try await run(body, migrated: migrated, kind: kind, uri: nil, path: nil) {
                try SQLiteEngine(.memory, create: true)
            }
        case .sqliteFile:
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let path = folder.path + "/parley.db"
            try await run(body, migrated: migrated, kind: kind, uri: "sqlite:" + path, path: path) {
                try SQLiteEngine(.file(path), create: true, busySeconds: 300)
            }
        case .postgres:
            try await withPostgresSchema { uri in
                try await run(body, migrated: migrated, kind: kind, uri: uri, path: nil) {
                    var configuration = try PostgresConfiguration(uri: uri)
                    configuration.readerConnections = 3
                    // As long as a slow machine needs.
                    configuration.waitTimeout = .seconds(300)
                    configuration.lockTimeout = .seconds(300)
                    return PostgresEngine(configuration, logger: silent)
                }
            }
        }
    }

    private static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func run(
        _ body: (StorageUnderTest) async throws -> Void, migrated: Bool, kind: StorageKind, uri: String?, path: String?,
        engine makeEngine: @escaping @Sendable () throws -> any StorageEngine
    ) async throws {
        let clock = StorageClock()
        let storage = Storage(engine: try makeEngine(), now: { clock.now })
        let outcome: Result<Void, any Error>
        do {
            if migrated { _ = try await storage.migrate() }
            let test = StorageUnderTest(
                kind: kind, storage: storage, clock: clock, uri: uri, path: path, makeEngine: makeEngine)
            outcome = .success(try await body(test))
        } catch {
            outcome = .failure(error)
        }
        await storage.close()
        try outcome.get()
    }

    /// A schema of its own separates a test from the others in one database; making one is cheaper than a database.
    private static func withPostgresSchema(_ body: (String) async throws -> Void) async throws {
        guard let server = StorageKind.postgresURI else { throw StorageTestError("PARLEY_TEST_POSTGRES is not set") }
        await turnstile.enter()
        defer { turnstile.leave() }
        let schema = "test_" + String(UInt64.random(in: .min ... .max), radix: 36)
        let administrator = PostgresEngine(try PostgresConfiguration(uri: server), logger: silent)
        try await administrator.write { connection in _ = try connection.execute("CREATE SCHEMA \(schema)") }
        let outcome: Result<Void, any Error>
        do {
            let separator = server.contains("?") ? "&" : "?"
            outcome = .success(try await body("\(server)\(separator)options=-csearch_path%3D\(schema)"))
        } catch {
            outcome = .failure(error)
        }
        try await administrator.write { connection in _ = try connection.execute("DROP SCHEMA \(schema) CASCADE") }
        await administrator.close()
        try outcome.get()
    }

    /// Runs `body` with a second store on the same database, as another process would have it.
    package func withAnother(_ body: (Storage) async throws -> Void) async throws {
        let clock = clock
        let another = Storage(engine: try makeEngine(), now: { clock.now })
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(another)) } catch { outcome = .failure(error) }
        await another.close()
        try outcome.get()
    }

    /// The same clock and database behind another engine, such as one that a test can hold up.
    package func storage(over engine: any StorageEngine, clock pauses: any Clock<Duration>) -> Storage {
        let clock = clock
        return Storage(engine: engine, clock: pauses, now: { clock.now })
    }

    /// A uuid that this store has not had yet.
    package func newUUID() -> Identifier { Identifier(UInt128(numbers.increment())) }
    /// A number that this store has not had yet.
    package func newNumber() -> Int { numbers.increment() }
}

/// What went wrong in a test's own machinery.
package struct StorageTestError: Error, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

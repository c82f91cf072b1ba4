// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Glibc
import Logging
import Storage
import Synchronization
import TestSupport
import Testing
import Threads

@testable import StoragePostgres

/// The PostgreSQL server for tests: `PARLEY_TEST_POSTGRES=postgres://user:password@127.0.0.1:port/name`.
///
/// `Scripts/postgres start` prints it. Without it the tests that need a server are skipped.
enum PostgresServer {
    static let uri: String? = getenv("PARLEY_TEST_POSTGRES").map { String(cString: $0) }
    static var isGiven: Bool { uri != nil }
    static let comment: Comment = "needs a PostgreSQL server in PARLEY_TEST_POSTGRES (see Scripts/postgres)"

    static func configuration() throws -> PostgresConfiguration {
        try PostgresConfiguration(uri: try #require(uri))
    }
}

struct RawFailure: Error {
    var text: String
}

/// A plain libpq connection beside the engine, for what a test does behind its back.
///
/// Its calls block threads of their own.
final class RawSession: Sendable {
    /// Used only inside the lock.
    nonisolated(unsafe) private let connection: OpaquePointer
    private let lock = Mutex(())

    private init(_ connection: OpaquePointer) {
        self.connection = connection
    }

    deinit { PQfinish(connection) }

    static func open(_ configuration: PostgresConfiguration) async throws -> RawSession {
        try await onThread {
            let values = [
                "host": configuration.host, "port": "\(configuration.port)", "dbname": configuration.database,
                "user": configuration.user, "password": configuration.password, "application_name": "test",
            ].compactMapValues { $0 }
            let keywords = values.keys.map { strdup($0) } + [nil]
            let texts = values.values.map { strdup($0) } + [nil]
            defer { for text in keywords + texts { free(text) } }
            let opened = PQconnectdbParams(keywords.map { UnsafePointer($0) }, texts.map { UnsafePointer($0) }, 0)
            guard let opened else { throw RawFailure(text: "out of memory") }
            let session = RawSession(opened)
            guard PQstatus(opened) == CONNECTION_OK else {
                throw RawFailure(text: String(cString: PQerrorMessage(opened)))
            }
            return session
        }
    }

    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            let started = BlockingThread.start { continuation.resume(with: Result { try body() }) }
            if !started { continuation.resume(throwing: RawFailure(text: "no thread")) }
        }
    }

    /// Runs `sql` and returns the texts of the first column.
    @discardableResult
    func query(_ sql: String) async throws -> [String] {
        try await Self.onThread {
            try self.lock.withLock { _ in
                guard let result = PQexec(self.connection, sql) else { throw RawFailure(text: "no result") }
                defer { PQclear(result) }
                guard [PGRES_TUPLES_OK, PGRES_COMMAND_OK].contains(PQresultStatus(result)) else {
                    throw RawFailure(text: String(cString: PQresultErrorMessage(result)))
                }
                guard PQnfields(result) > 0 else { return [] }
                return (0..<PQntuples(result)).map { String(cString: PQgetvalue(result, $0, 0)) }
            }
        }
    }

    /// Asks until the answer to `sql` is `t`.
    func waitUntil(_ sql: String) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await query(sql) != ["t"] {
            guard ContinuousClock.now < deadline else { throw RawFailure(text: "never became true: \(sql)") }
        }
    }

    /// Ends a server process and waits until it is gone.
    func terminate(_ pid: Int64) async throws {
        guard try await query("SELECT pg_terminate_backend(\(pid), 60000)") == ["t"] else {
            throw RawFailure(text: "the server process \(pid) did not end")
        }
    }
}

/// A database of one test's own, dropped afterwards.
struct PostgresTestDatabase: Sendable {
    let configuration: PostgresConfiguration
    /// A connection to it beside the engine.
    let raw: RawSession

    private static let turnstile = Turnstile(places: 4)

    static func with(
        encoding: String = "UTF8", _ body: (PostgresTestDatabase) async throws -> Void
    ) async throws {
        await turnstile.enter()
        defer { turnstile.leave() }
        var configuration = try PostgresServer.configuration()
        let administrator = try await RawSession.open(configuration)
        let name = "parley_test_" + String(UInt64.random(in: .min ... .max), radix: 36)
        let locale = encoding == "UTF8" ? "" : " LOCALE 'C'"
        try await administrator.query("CREATE DATABASE \(name) ENCODING '\(encoding)'\(locale) TEMPLATE template0")
        configuration.database = name
        // A lock that a test holds is held as long as the machine needs.
        configuration.lockTimeout = .seconds(600)
        let outcome: Result<Void, any Error>
        do {
            let database = PostgresTestDatabase(
                configuration: configuration, raw: try await RawSession.open(configuration))
            outcome = .success(try await body(database))
        } catch {
            outcome = .failure(error)
        }
        try await administrator.query("DROP DATABASE \(name) WITH (FORCE)")
        try outcome.get()
    }

    /// Runs `body` with an engine on a database of its own, and closes both.
    static func withEngine(
        readerConnections: Int = 8, maximumWaiters: Int = 1024, waitTimeout: Duration = .seconds(60),
        idleTimeout: Duration = .seconds(600), maximumPreparedStatements: Int = 256,
        _ body: (PostgresEngine, PostgresTestDatabase) async throws -> Void
    ) async throws {
        try await with { database in
            var configuration = database.configuration
            configuration.readerConnections = readerConnections
            configuration.maximumWaiters = maximumWaiters
            configuration.waitTimeout = waitTimeout
            configuration.idleTimeout = idleTimeout
            configuration.maximumPreparedStatements = maximumPreparedStatements
            let engine = PostgresEngine(configuration, logger: .silent)
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(engine, database))
            } catch {
                outcome = .failure(error)
            }
            await engine.close()
            try outcome.get()
        }
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}

/// The error that `body` throws; records an issue when it throws none.
func storageFailure(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> StorageError? {
    do {
        try await body()
        Issue.record("no error was thrown", sourceLocation: sourceLocation)
        return nil
    } catch {
        let error = error as? StorageError
        if error == nil { Issue.record("the error is no StorageError", sourceLocation: sourceLocation) }
        return error
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Storage
import StoragePostgres

/// Where a server under measurement keeps its data.
package struct BenchmarkDatabase: Sendable {
    /// For people: `SQLite` or `PostgreSQL`.
    package let name: String
    /// What `[DATABASE] URI` says.
    package let uri: String
    /// The server and the schema on it.
    private let schema: (server: String, name: String)?

    /// A file in the folder of the run.
    package static let sqlite = BenchmarkDatabase(name: "SQLite", uri: "sqlite:benchmark.db", schema: nil)

    /// The PostgreSQL server that `PARLEY_TEST_POSTGRES` names; `nil` when it names none.
    package static var postgresServer: String? { getenv("PARLEY_TEST_POSTGRES").map { String(cString: $0) } }

    /// Makes a schema of its own on a PostgreSQL server; `remove` drops it.
    ///
    /// - Parameter server: Its address, as `Scripts/postgres start` prints it.
    /// - Returns: The schema as a database.
    /// - Throws: `StorageError` when the server cannot be used.
    package static func onPostgres(_ server: String) async throws -> BenchmarkDatabase {
        let name = "benchmark_" + String(UInt64.random(in: .min ... .max), radix: 36)
        try await execute("CREATE SCHEMA \(name)", on: server)
        let separator = server.contains("?") ? "&" : "?"
        return BenchmarkDatabase(
            name: "PostgreSQL", uri: "\(server)\(separator)options=-csearch_path%3D\(name)", schema: (server, name))
    }

    /// Drops what was made.
    ///
    /// - Throws: `StorageError` when the server cannot be used any more.
    package func remove() async throws {
        if let schema { try await Self.execute("DROP SCHEMA \(schema.name) CASCADE", on: schema.server) }
    }

    private static func execute(_ statement: String, on server: String) async throws {
        let silent = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        var configuration = try PostgresConfiguration(uri: server)
        configuration.lockTimeout = .seconds(60)
        let engine = PostgresEngine(configuration, logger: silent)
        let outcome: Result<Void, StorageError>
        do {
            try await engine.write { connection in _ = try connection.execute(statement) }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await engine.close()
        try outcome.get()
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Settings
package import Storage
import StoragePostgres
import StorageSQLite

/// The database of another program, which is read and never written.
package struct ForeignDatabase: Sendable {
    private let engine: any StorageEngine

    /// Opens it.
    ///
    /// - Throws: `StorageError`; a PostgreSQL that cannot be reached shows at the first read.
    package init(_ location: DatabaseLocation, logger: Logger) throws(StorageError) {
        switch location {
        case .sqliteMemory: throw StorageError(.notFound, "A database in memory has nothing to import.")
        case .sqlite(let path): engine = try SQLiteEngine(.readOnly(path), create: false, readers: 1)
        case .postgres(let location):
            var configuration = PostgresConfiguration(location)
            configuration.readerConnections = 1
            engine = PostgresEngine(configuration, logger: logger)
        }
    }

    /// The rows of a query.
    package func rows(_ sql: String, _ arguments: [SQLValue] = []) async throws(StorageError) -> [SQLRow] {
        let statement = SQLStatement(sql, arguments)
        return try await engine.read { connection in try connection.rows(statement) }
    }

    /// Closes it.
    package func close() async {
        await engine.close()
    }
}

extension PostgresConfiguration {
    /// Where a location says, as whom it says.
    init(_ location: PostgresLocation) {
        self.init(
            host: location.host, port: location.port, database: location.name, user: location.user,
            password: location.password,
            parameters: Dictionary(
                location.parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last }))
    }
}

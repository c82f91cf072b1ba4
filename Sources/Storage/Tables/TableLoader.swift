// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Fills whole tables in one transaction.
package struct TableLoader {
    /// Reads the same tables in the same transaction.
    package let reader: TableReader

    private var connection: any SQLConnection { reader.connection }

    init(_ connection: any SQLConnection, dialect: SQLDialect) throws(StorageError) {
        reader = try TableReader(connection, dialect: dialect)
    }

    /// Inserts rows of the table's columns.
    ///
    /// When it returns they are with the database, so that memory is free again.
    package func insert(_ rows: [SQLRow], into table: StoredTable) throws(StorageError) {
        try connection.insert(
            SQLInsertion(into: table.name, columns: table.columns.map { ($0.name, $0.type) }), rows: rows)
        _ = try connection.rows("SELECT 1")
    }

    /// Removes all rows of a table.
    package func clear(_ table: StoredTable) throws(StorageError) {
        try connection.execute("DELETE FROM \(table.name)")
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws(StorageError) {
        try connection.execute(sql, arguments)
    }

    /// Lets new rows continue the numbering of those that were inserted.
    package func continueNumbers() throws(StorageError) {
        guard let statement = reader.dialect.table.continueNumbers else { return }
        for table in reader.tables {
            guard table.keyCount == 1, let key = table.key.first, key.type == .int else { continue }
            _ = try connection.rows(statement(table.name, key.name))
        }
    }
}

extension Storage {
    /// Tables that every new database has a row of.
    package static let headTables: Set<String> = ["log_head", "audit_head", "migrations"]

    /// The table of the search index.
    package static let searchTable = "message_search"
    /// The tables that are in the database of the search index.
    package static let searchTables = [searchTable, "search_head"]

    /// Reads whole tables as they are at one moment, for as long as it takes.
    package func readTables<Value: Sendable>(
        _ body: @escaping @Sendable (TableReader) throws -> Value
    ) async throws(StorageError) -> Value {
        try await engine.read { connection in
            connection.allowLongStatements()
            return try body(TableReader(connection, dialect: self.engine.dialect))
        }
    }

    /// Fills tables, all or nothing, while nothing else is written.
    package func loadTables<Value: Sendable>(
        _ body: @escaping @Sendable (TableLoader) throws -> Value
    ) async throws(StorageError) -> Value {
        try await engine.write { connection in
            connection.allowLongStatements()
            try connection.execute("UPDATE log_head SET position = position WHERE id = 1")
            return try body(TableLoader(connection, dialect: self.engine.dialect))
        }
    }
}

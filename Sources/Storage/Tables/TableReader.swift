// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Reads whole tables in one transaction, some rows at a time.
package struct TableReader {
    /// A page has at most so many rows.
    static let pageRows: Int64 = 2000
    /// A page has about so many bytes at most, or one row.
    static let pageBytes: Int64 = 2 << 20

    let connection: any SQLConnection
    let dialect: SQLDialect
    /// The tables that the database has, each after those that it refers to; without the search index, which is no
    /// table of rows.
    package let tables: [StoredTable]
    /// The migrations that were applied.
    package let migrations: [String]

    init(_ connection: any SQLConnection, dialect: SQLDialect) throws(StorageError) {
        self.connection = connection
        self.dialect = dialect
        var tables: [StoredTable] = []
        for name in dialect.tables where !Storage.searchTables.contains(name) {
            if let table = try connection.table(name, dialect: dialect) { tables.append(table) }
        }
        self.tables = tables
        var migrations: [String] = []
        for row in try connection.rows("SELECT identifier FROM migrations ORDER BY identifier") {
            var reader = RowReader(row)
            migrations.append(try reader.text())
        }
        self.migrations = migrations
    }

    /// How many rows a table has.
    package func count(of table: StoredTable) throws(StorageError) -> Int64 {
        guard let row = try connection.rows("SELECT count(*) FROM \(table.name)").first else { return 0 }
        var reader = RowReader(row)
        return try reader.int()
    }

    /// The rows after the one with this key, in the order of the key; an empty page ends the table.
    ///
    /// `key` has the values of the key's columns, and is `nil` for the first page.
    package func page(of table: StoredTable, after key: [SQLValue]? = nil) throws(StorageError) -> [SQLRow] {
        let (lower, arguments) = condition(table, after: key)
        let order = table.key.map { ordered($0) }.joined(separator: ", ")
        let sizes = table.columns.filter { $0.type != .int }.map { "coalesce(length(\($0.name)), 0)" }
        let last = try connection.rows(
            """
            SELECT \(table.key.map(\.name).joined(separator: ", ")), \((["64"] + sizes).joined(separator: " + "))
            FROM \(table.name) \(lower)
            ORDER BY \(order)
            LIMIT $\(arguments.count + 1)
            """, arguments + [.int(Self.pageRows)])
        var bytes: Int64 = 0
        var end: SQLRow?
        for row in last {
            if case .int(let size)? = row.last { bytes += size }
            if end != nil, bytes > Self.pageBytes { break }
            end = Array(row.dropLast())
        }
        guard let end else { return [] }
        let upper = (1...end.count).map { "$\(arguments.count + $0)" }.joined(separator: ", ")
        return try connection.rows(
            """
            SELECT \(table.columnList)
            FROM \(table.name) \(lower.isEmpty ? "WHERE" : lower + " AND") (\(order)) <= (\(upper))
            ORDER BY \(order)
            """, arguments + end)
    }

    /// The key of the last row; `nil` when there is none.
    package func lastKey(of table: StoredTable) throws(StorageError) -> [SQLValue]? {
        try connection.rows(
            """
            SELECT \(table.key.map(\.name).joined(separator: ", "))
            FROM \(table.name)
            ORDER BY \(table.key.map { ordered($0) + " DESC" }.joined(separator: ", "))
            LIMIT 1
            """
        ).first
    }

    /// Hands over all rows after the one with this key, page by page.
    package func forEachPage(
        of table: StoredTable, after key: [SQLValue]? = nil, _ body: ([SQLRow]) throws -> Void
    ) throws {
        var key = key
        while true {
            let rows = try page(of: table, after: key)
            guard let last = rows.last else { return }
            try body(rows)
            key = Array(last.prefix(table.keyCount))
        }
    }

    /// One column of the row with this key; `nil` when there is no such row.
    package func value(
        of column: String, in table: StoredTable, key: [SQLValue]
    ) throws(StorageError) -> SQLValue? {
        let places = table.key.enumerated().map { "\($1.name) = $\($0 + 1)" }
        return try connection.rows(
            "SELECT \(column) FROM \(table.name) WHERE \(places.joined(separator: " AND "))", key
        ).first?.first
    }

    private func ordered(_ column: StoredTable.Column) -> String {
        column.type == .text ? "\(column.name) \(dialect.table.byteOrder)" : column.name
    }

    private func condition(_ table: StoredTable, after key: [SQLValue]?) -> (sql: String, arguments: [SQLValue]) {
        guard let key, let first = table.key.first else { return ("", []) }
        let places = (1...key.count).map { "$\($0)" }.joined(separator: ", ")
        // By the first column alone the engine finds the place in the index, whatever the order of the second one.
        let start = key.count > 1 && first.type != .text ? "\(first.name) >= $1 AND " : ""
        return ("WHERE \(start)(\(table.key.map { ordered($0) }.joined(separator: ", "))) > (\(places))", key)
    }
}

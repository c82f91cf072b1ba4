// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One value bound to a statement or read from a row.
///
/// Booleans are 0 and 1, times are milliseconds.
package enum SQLValue: Sendable, Equatable {
    case null
    case int(Int64)
    case text(String)
    case bytes([UInt8])
}

/// The type of a column; the raw value is PostgreSQL's name of it.
package enum SQLType: String, Sendable {
    case int = "bigint"
    case text
    case bytes = "bytea"
}

/// A result row: the selected columns in order.
package typealias SQLRow = [SQLValue]

/// A statement with its arguments.
///
/// The text is a constant of our source, with `$1`, `$2`, … numbered in the order in which they first appear, which
/// both engines read alike. A value never becomes part of the text.
package struct SQLStatement: Sendable {
    package var sql: String
    package var arguments: [SQLValue]

    package init(_ sql: String, _ arguments: [SQLValue] = []) {
        self.sql = sql
        self.arguments = arguments
    }
}

extension SQLValue {
    /// The argument for `SQLDialect.numbers`.
    static func numbers(_ numbers: [Int64]) -> SQLValue {
        .text("[" + numbers.map { String($0) }.joined(separator: ",") + "]")
    }
}

/// Where many rows go at once: a table, its columns and their types.
///
/// A constant of our source; the texts are made once, since batches with one message are many.
package struct SQLInsertion: Sendable {
    package let table: String
    package let columns: [(name: String, type: SQLType)]
    /// Inserts one row: its arguments are the values.
    package let rowStatement: String
    /// Inserts many rows on PostgreSQL: its arguments are the columns' arrays.
    package let arrayStatement: String

    /// `onConflict` follows the rows, such as `ON CONFLICT (id) DO NOTHING`.
    package init(into table: String, columns: [(name: String, type: SQLType)], onConflict: String = "") {
        self.table = table
        self.columns = columns
        let start = "INSERT INTO \(table) (\(columns.map(\.name).joined(separator: ", ")))"
        let places = columns.indices.map { "$\($0 + 1)" }
        let arrays = zip(places, columns).map { "\($0)::\($1.type.rawValue)[]" }
        rowStatement = "\(start) VALUES (\(places.joined(separator: ", "))) \(onConflict)"
        arrayStatement = "\(start) SELECT * FROM unnest(\(arrays.joined(separator: ", "))) \(onConflict)"
    }
}

/// One connection inside one transaction, used by one thread.
///
/// All calls block.
///
/// Both engines pass the same suite of tests through this protocol; the SQL above it is shared.
package protocol SQLConnection: AnyObject {
    /// Runs one prepared statement and returns all its rows.
    ///
    /// - Throws: `StorageError` with `.conflict` for a violated unique constraint.
    func rows(_ statement: SQLStatement) throws(StorageError) -> [SQLRow]

    /// Runs one prepared statement and hands each row to `body` as it comes: only what is asked for is copied.
    func forEachRow(
        of statement: SQLStatement, _ body: (inout RowReader) throws(StorageError) -> Void
    ) throws(StorageError)

    /// Runs one prepared statement and returns how many rows it inserted, updated or deleted.
    @discardableResult
    func execute(_ statement: SQLStatement) throws(StorageError) -> Int

    /// Runs several statements in one round trip, in order, and returns the rows of each.
    ///
    /// PostgreSQL uses pipeline mode. The first failure fails the whole call.
    func rows(pipelined statements: [SQLStatement]) throws(StorageError) -> [[SQLRow]]

    /// Runs statements whose rows are not needed, in order, at the latest ahead of the commit.
    ///
    /// PostgreSQL sends them in the round trip of the next statement, of the end of a savepoint or of the commit, which
    /// then fails with them.
    func post(_ statements: [SQLStatement]) throws(StorageError)

    /// Inserts `rows`, with one statement where the engine can, and like `post` no later than at the commit.
    func insert(_ insertion: SQLInsertion, rows: [SQLRow]) throws(StorageError)

    /// Lets the statements of this transaction, and the pauses between them, take as long as they need, as changes of
    /// the schema and backups may.
    ///
    /// Otherwise an engine whose database is another process gives up a statement that gets no answer in time.
    func allowLongStatements()

    /// Runs `body` in a savepoint: what it did is undone when it throws, and the transaction goes on.
    func savepoint<Value>(_ body: () throws -> Value) throws(StorageError) -> Value
}

extension SQLConnection {
    package func post(_ statements: [SQLStatement]) throws(StorageError) {
        _ = try rows(pipelined: statements)
    }

    package func rows(_ sql: String, _ arguments: [SQLValue] = []) throws(StorageError) -> [SQLRow] {
        try rows(SQLStatement(sql, arguments))
    }

    package func forEachRow(
        of statement: SQLStatement, _ body: (inout RowReader) throws(StorageError) -> Void
    ) throws(StorageError) {
        for row in try rows(statement) {
            var reader = RowReader(row)
            try body(&reader)
        }
    }

    @discardableResult
    package func execute(_ sql: String, _ arguments: [SQLValue] = []) throws(StorageError) -> Int {
        try execute(SQLStatement(sql, arguments))
    }
}

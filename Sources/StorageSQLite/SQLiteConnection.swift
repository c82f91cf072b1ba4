// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import Storage

/// GRDB's connection and its cache of prepared statements, with values bound and read without a detour over `Data`.
final class SQLiteConnection: SQLConnection {
    private let db: Database
    private let isWriter: Bool
    private var savepoints = 0

    init(_ db: Database, isWriter: Bool) {
        self.db = db
        self.isWriter = isWriter
    }

    func rows(_ statement: SQLStatement) throws(StorageError) -> [SQLRow] {
        try run(statement.sql) { (handle) throws(StorageError) in
            try bind(statement.arguments, to: handle)
            var rows: [SQLRow] = []
            let columns = SQLiteColumns(handle)
            while try step(handle) { rows.append((0..<columns.count).map { columns.value(at: $0) }) }
            return rows
        }
    }

    func forEachRow(
        of statement: SQLStatement, _ body: (inout RowReader) throws(StorageError) -> Void
    ) throws(StorageError) {
        try run(statement.sql) { (handle) throws(StorageError) in
            try bind(statement.arguments, to: handle)
            let columns = SQLiteColumns(handle)
            while try step(handle) {
                var reader = RowReader(columns)
                try body(&reader)
            }
        }
    }

    @discardableResult
    func execute(_ statement: SQLStatement) throws(StorageError) -> Int {
        try run(statement.sql) { (handle) throws(StorageError) in
            try bind(statement.arguments, to: handle)
            while try step(handle) {}
            return Int(sqlite3_changes(db.sqliteConnection))
        }
    }

    func rows(pipelined statements: [SQLStatement]) throws(StorageError) -> [[SQLRow]] {
        var results: [[SQLRow]] = []
        results.reserveCapacity(statements.count)
        for statement in statements { results.append(try rows(statement)) }
        return results
    }

    func insert(_ insertion: SQLInsertion, rows: [SQLRow]) throws(StorageError) {
        guard !rows.isEmpty else { return }
        try run(insertion.rowStatement) { (handle) throws(StorageError) in
            for row in rows {
                try bind(row, to: handle)
                while try step(handle) {}
                sqlite3_reset(handle)
            }
        }
    }

    func savepoint<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        savepoints += 1
        defer { savepoints -= 1 }
        let name = "sp\(savepoints)"
        try execute(SQLStatement("SAVEPOINT \(name)"))
        do {
            let value = try body()
            try execute(SQLStatement("RELEASE \(name)"))
            return value
        } catch {
            // After some failures SQLite has ended the whole transaction, and nothing is left to undo.
            if sqlite3_get_autocommit(db.sqliteConnection) == 0 {
                try execute(SQLStatement("ROLLBACK TO \(name)"))
                try execute(SQLStatement("RELEASE \(name)"))
            }
            throw StorageError(thrown: error)
        }
    }

    /// There is no other process to wait for.
    func allowLongStatements() {}

    // MARK: Statements

    private func run<Value>(
        _ sql: String, _ body: (OpaquePointer) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        // After some failures, such as a full disk, SQLite ends the transaction by itself. A statement that ran now
        // would be committed alone.
        if isWriter, sqlite3_get_autocommit(db.sqliteConnection) != 0 {
            throw StorageError(
                .writeFailed, "The database undid the transaction. Try again.",
                cause: "the transaction had ended before the statement")
        }
        let handle: OpaquePointer
        do {
            handle = try db.cachedStatement(sql: sql).sqliteStatement
        } catch {
            throw SQLiteFailure.storageError(error, path: path, during: isWriter ? .write : .read)
        }
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        return try body(handle)
    }

    private var path: String {
        guard let name = sqlite3_db_filename(db.sqliteConnection, "main") else { return ":memory:" }
        let path = String(cString: name)
        return path.isEmpty ? ":memory:" : path
    }

    private func failure(_ code: Int32) -> StorageError {
        SQLiteFailure.storageError(
            code: sqlite3_extended_errcode(db.sqliteConnection),
            message: String(cString: sqlite3_errmsg(db.sqliteConnection)), path: path,
            during: isWriter ? .write : .read,
            systemError: sqlite3_system_errno(db.sqliteConnection))
    }

    private func step(_ handle: OpaquePointer) throws(StorageError) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure(code)
        }
    }

    /// The bytes stay SQLite's own copy: the arguments may go before the statement runs.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private func bind(_ arguments: [SQLValue], to handle: OpaquePointer) throws(StorageError) {
        guard arguments.count == sqlite3_bind_parameter_count(handle) else {
            throw StorageError(
                isWriter ? .writeFailed : .readFailed, "A statement has the wrong number of arguments.",
                cause: String(cString: sqlite3_sql(handle)))
        }
        for (index, argument) in arguments.enumerated() {
            let place = Int32(index + 1)
            let code =
                switch argument {
                case .null: sqlite3_bind_null(handle, place)
                case .int(let value): sqlite3_bind_int64(handle, place, value)
                case .text(var text):
                    text.withUTF8 { utf8 in
                        // An empty buffer may have no address, and no address would bind NULL.
                        utf8.isEmpty
                            ? sqlite3_bind_text(handle, place, "", 0, Self.transient)
                            : utf8.withMemoryRebound(to: CChar.self) {
                                sqlite3_bind_text64(
                                    handle, place, $0.baseAddress, UInt64($0.count), Self.transient, UInt8(SQLITE_UTF8))
                            }
                    }
                case .bytes(let bytes):
                    bytes.isEmpty
                        ? sqlite3_bind_zeroblob(handle, place, 0)
                        : bytes.withUnsafeBytes {
                            sqlite3_bind_blob64(handle, place, $0.baseAddress, UInt64($0.count), Self.transient)
                        }
                }
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }
}

/// The columns of the row at which a statement stands.
private struct SQLiteColumns: SQLColumns {
    private let handle: OpaquePointer
    let count: Int

    init(_ handle: OpaquePointer) {
        self.handle = handle
        count = Int(sqlite3_column_count(handle))
    }

    func integer(at index: Int) -> Int64? {
        let column = Int32(truncatingIfNeeded: index)
        return sqlite3_column_type(handle, column) == SQLITE_INTEGER ? sqlite3_column_int64(handle, column) : nil
    }

    func identifier(at index: Int) -> Identifier? {
        let column = Int32(truncatingIfNeeded: index)
        guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { return nil }
        let bytes = sqlite3_column_blob(handle, column)
        return Identifier(
            bytes: UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func value(at index: Int) -> SQLValue {
        let column = Int32(truncatingIfNeeded: index)
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: return .int(sqlite3_column_int64(handle, column))
        case SQLITE_TEXT:
            guard let text = sqlite3_column_text(handle, column) else { return .text("") }
            let count = Int(sqlite3_column_bytes(handle, column))
            return .text(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            guard let bytes = sqlite3_column_blob(handle, column) else { return .bytes([]) }
            return .bytes(
                Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column)))))
        case SQLITE_FLOAT:
            // No column of ours is a float; an aggregate of an odd database might be.
            let value = sqlite3_column_double(handle, column)
            return Int64(exactly: value.rounded()).map { .int($0) } ?? .text("\(value)")
        default: return .null
        }
    }
}

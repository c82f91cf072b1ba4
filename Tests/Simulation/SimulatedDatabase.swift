// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Storage

@testable import StorageSQLite

/// The database that all nodes share: SQLite in memory, each transaction at one moment of the simulation's time.
///
/// It behaves as PostgreSQL does where that matters: a transaction may tell the nodes of its commit, and one whose
/// COMMIT got no answer may still be under way, with the log's head locked.
final class SimulatedDatabase: @unchecked Sendable {
    let dialect: SQLDialect
    private let queue: DatabaseQueue
    /// Told of what each committed transaction had to tell.
    var onNotify: (String) -> Void = { _ in }
    /// What waits for the end of a transaction that is still under way; `nil`: there is none.
    private var waiting: [() -> Void]?

    private static let notifyStatement = "SELECT $1 WHERE 'notify' <> ''"

    init() throws {
        var configuration = Configuration()
        configuration.label = "simulation"
        // See `rehearse`.
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(configuration: configuration)
        var dialect = SQLiteDialect.dialect
        dialect.notify = Self.notifyStatement
        self.dialect = dialect
    }

    /// Runs a transaction for reading.
    func read<Value>(_ body: (any SQLConnection) throws -> Value) -> Result<Value, StorageError> {
        transaction(isWriter: false, body)
    }

    /// Runs a transaction for writing and commits it.
    ///
    /// `fault` is drawn before; it may strike in the middle.
    func write<Value>(
        failing fault: StatementFault?, _ body: (any SQLConnection) throws -> Value
    ) -> Result<Value, StorageError> {
        var news: [String] = []
        let result = transaction(isWriter: true) { connection in
            let wrapped = SimulatedConnection(connection, notifyStatement: Self.notifyStatement, fault: fault)
            defer { news = wrapped.news }
            return try body(wrapped)
        }
        if case .success = result { for text in news { onNotify(text) } }
        return result
    }

    /// Does `body` and undoes what it has written.
    func rehearse(_ body: () -> Void) throws {
        try queue.inDatabase { db in try db.beginTransaction() }
        body()
        try queue.inDatabase { db in try db.rollback() }
        waiting = nil
    }

    private func transaction<Value>(
        isWriter: Bool, _ body: (any SQLConnection) throws -> Value
    ) -> Result<Value, StorageError> {
        do {
            return .success(
                try queue.inDatabase { db in
                    // A transaction of its own, or a part of the one that `rehearse` undoes; its statements stay
                    // prepared.
                    try SQLiteConnection(db, isWriter: false).savepoint {
                        try body(SQLiteConnection(db, isWriter: isWriter))
                    }
                })
        } catch {
            return .failure(SQLiteFailure.storageError(error, path: ":memory:", during: isWriter ? .write : .read))
        }
    }

    // MARK: The lock of the head

    /// Does `body` when no transaction of somebody else is under way.
    func whenUnlocked(_ body: @escaping () -> Void) {
        if waiting == nil { body() } else { waiting?.append(body) }
    }

    /// A transaction is under way from now on.
    func lock() { waiting = waiting ?? [] }

    /// It has ended.
    func unlock() {
        let ready = waiting ?? []
        waiting = nil
        for body in ready { whenUnlocked(body) }
    }
}

/// What goes wrong in the middle of a transaction.
struct StatementFault {
    /// Which statement it strikes, from 0.
    var index: Int
    var error: StorageError
}

/// A connection whose statements may fail, and that keeps what the transaction tells others.
private final class SimulatedConnection: SQLConnection {
    private let connection: any SQLConnection
    private let notifyStatement: String
    private var fault: StatementFault?
    private(set) var news: [String] = []

    init(_ connection: any SQLConnection, notifyStatement: String, fault: StatementFault?) {
        self.connection = connection
        self.notifyStatement = notifyStatement
        self.fault = fault
    }

    private func strike() throws(StorageError) {
        guard let fault else { return }
        if fault.index == 0 { throw fault.error }
        self.fault?.index -= 1
    }

    func rows(_ statement: SQLStatement) throws(StorageError) -> [SQLRow] {
        try strike()
        if statement.sql == notifyStatement, case .text(let text)? = statement.arguments.first {
            news.append(text)
            return []
        }
        return try connection.rows(statement)
    }

    func execute(_ statement: SQLStatement) throws(StorageError) -> Int {
        try strike()
        return try connection.execute(statement)
    }

    func allowLongStatements() {
        connection.allowLongStatements()
    }

    func rows(pipelined statements: [SQLStatement]) throws(StorageError) -> [[SQLRow]] {
        try statements.map { statement throws(StorageError) in try rows(statement) }
    }

    func insert(_ insertion: SQLInsertion, rows: [SQLRow]) throws(StorageError) {
        try strike()
        try connection.insert(insertion, rows: rows)
    }

    func savepoint<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        try connection.savepoint(body)
    }
}

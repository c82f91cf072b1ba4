// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import Storage

/// A real engine that counts the statements of its write transactions.
///
/// An insertion of many rows counts as one.
final class CountingEngine: StorageEngine {
    private let engine: any StorageEngine
    private let count = Mutex(0)

    init(_ engine: any StorageEngine) {
        self.engine = engine
    }

    var dialect: SQLDialect { engine.dialect }
    var signals: any LogSignals { engine.signals }
    var writerExecutor: (any TaskExecutor)? { engine.writerExecutor }
    /// The statements so far.
    var statements: Int { count.withLock { $0 } }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await engine.read { connection in
            let counting = CountingConnection(connection)
            defer { self.count.withLock { $0 += counting.statements } }
            return try body(counting)
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await engine.write { connection in
            let counting = CountingConnection(connection)
            defer { self.count.withLock { $0 += counting.statements } }
            return try body(counting)
        }
    }

    func facts() async throws(StorageError) -> EngineFacts { try await engine.facts() }
    func close() async { await engine.close() }
}

private final class CountingConnection: SQLConnection {
    private let connection: any SQLConnection
    private(set) var statements = 0

    init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    func rows(_ statement: SQLStatement) throws(StorageError) -> [SQLRow] {
        statements += 1
        return try connection.rows(statement)
    }

    @discardableResult
    func execute(_ statement: SQLStatement) throws(StorageError) -> Int {
        statements += 1
        return try connection.execute(statement)
    }

    func rows(pipelined statements: [SQLStatement]) throws(StorageError) -> [[SQLRow]] {
        self.statements += statements.count
        return try connection.rows(pipelined: statements)
    }

    func post(_ statements: [SQLStatement]) throws(StorageError) {
        self.statements += statements.count
        try connection.post(statements)
    }

    func insert(_ insertion: SQLInsertion, rows: [SQLRow]) throws(StorageError) {
        statements += 1
        try connection.insert(insertion, rows: rows)
    }

    func allowLongStatements() { connection.allowLongStatements() }

    func savepoint<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        try connection.savepoint(body)
    }
}

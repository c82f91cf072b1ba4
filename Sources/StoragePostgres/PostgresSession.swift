// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import CPostgres
import Logging
import Storage

/// One connection, its prepared statements and the transaction that runs on it.
///
/// One thread uses it. BEGIN, SAVEPOINT, RELEASE and ROLLBACK TO are not sent by themselves: they go ahead of the next
/// statement in its round trip. A transaction that ran no statement costs nothing.
final class PostgresSession: SQLConnection {
    enum Role: Sendable { case reader, writer }

    private enum Waiting {
        case control(String)
        case statement(Statement)

        var isStatement: Bool { if case .statement = self { true } else { false } }
    }

    private typealias Statement = (sql: String, parameters: ParameterBuffer)

    private let link: PostgresLink
    private let role: Role
    /// How long the server may take over what it is asked, before it is given up.
    private let answerTimeout: Duration
    private var statements: StatementCache
    /// What goes ahead of the next statement, in its round trip.
    private var waiting: [Waiting] = []
    /// How often the running transaction spoke to the server.
    private var exchanges = 0
    private var depth = 0
    private var isInTransaction = false
    /// The server has ended the transaction behind our back: nothing may follow in it.
    private var transactionLost = false
    /// The connection works, but its prepared statements do not fit any more.
    private var isStale = false

    /// Connects, checks that the server suits us, and sets the connection up.
    init(_ configuration: PostgresConfiguration, role: Role, logger: Logger) throws(StorageError) {
        link = try PostgresLink.connect(to: configuration, writing: role == .writer, logger: logger)
        self.role = role
        answerTimeout =
            configuration.answerTimeout
            + (role == .reader ? configuration.readStatementTimeout : configuration.lockTimeout)
        statements = StatementCache(limit: configuration.maximumPreparedStatements)
        guard link.serverVersion >= 130_000 else {
            throw StorageError(
                .unusable, "PostgreSQL at \(configuration.location) is too old. Parley needs version 13 or newer.",
                cause: "server version \(link.serverVersion)")
        }
        let encoding = link.parameter("server_encoding") ?? "unknown"
        guard encoding == "UTF8" else {
            throw StorageError(
                .unusable,
                """
                The database at \(configuration.location) has the encoding \(encoding), and Parley needs UTF8. \
                Create it anew with 'createdb --encoding=UTF8 --template=template0'.
                """)
        }
        let outcome = link.exchange(Self.settings(configuration, role: role).map { .control($0) })
        if let failure = outcome.failure { throw failure }
    }

    private static func settings(_ configuration: PostgresConfiguration, role: Role) -> [String] {
        func milliseconds(_ duration: Duration) -> Int64 {
            min(max(duration, .zero), .seconds(1_000_000)).wholeMilliseconds
        }
        return [
            "SET synchronous_commit = on",
            "SET client_min_messages = warning",
            "SET timezone = 'UTC'",
            // Its compiler costs more than any of our statements.
            "SET jit = off",
            "SET lock_timeout = \(milliseconds(configuration.lockTimeout))",
            "SET statement_timeout = \(role == .reader ? milliseconds(configuration.readStatementTimeout) : 0)",
            "SET idle_in_transaction_session_timeout = \(milliseconds(configuration.idleTransactionTimeout))",
            // The server, too, notices within a minute that we are gone, and frees our locks.
            "SET tcp_keepalives_idle = 30",
            "SET tcp_keepalives_interval = 10",
            "SET tcp_keepalives_count = 3",
        ]
    }

    var isUsable: Bool { !link.isBroken && !isStale }
    /// Why it is not usable, for the log.
    var lossCause: String? { link.brokenBecause }
    var socket: Int32 { link.socket }

    /// Notices, without waiting, that the server has closed the connection.
    func checkHealth() { link.checkHealth() }

    // MARK: Transactions

    /// Runs `body` in a read-only transaction, whose end is sent, not awaited.
    func read<Value>(_ body: (any SQLConnection) throws -> Value) -> Result<Value, StorageError> {
        start("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        defer { isInTransaction = false }
        let result = Self.result { try body(self) }
        end(with: "COMMIT")
        return result
    }

    /// Runs `body` in a transaction and commits it; on return the commit is durable.
    func write<Value>(_ body: (any SQLConnection) throws -> Value) -> Result<Value, StorageError> {
        start("BEGIN ISOLATION LEVEL READ COMMITTED")
        defer { isInTransaction = false }
        return Self.result {
            do {
                let value = try body(self)
                try commit()
                return value
            } catch {
                end(with: "ROLLBACK")
                throw error
            }
        }
    }

    private static func result<Value>(_ body: () throws -> Value) -> Result<Value, StorageError> {
        do {
            return .success(try body())
        } catch {
            return .failure(StorageError(thrown: error))
        }
    }

    private func start(_ begin: String) {
        waiting = [.control(begin)]
        exchanges = 0
        depth = 0
        transactionLost = false
        isInTransaction = true
        link.answerTimeout = answerTimeout
    }

    func allowLongStatements() {
        link.answerTimeout = nil
        for setting in ["statement_timeout", "idle_in_transaction_session_timeout"] {
            waiting.append(.control("SET LOCAL \(setting) = 0"))
        }
    }

    /// Ends the transaction without waiting for the answer, if the server knows of it.
    private func end(with control: String) {
        waiting = []
        if exchanges > 0, !link.isBroken, !transactionLost { link.post([.control(control)]) }
        exchanges = 0
    }

    private func commit() throws(StorageError) {
        guard exchanges > 0 || waiting.contains(where: \.isStatement) else { return }
        link.checkHealth()
        if let cause = link.brokenBecause { throw .connectionLost(cause) }
        if transactionLost { throw Self.undone("the transaction had ended before COMMIT") }

        let (outcome, _) = exchange([], ending: "COMMIT")
        if let cause = link.brokenBecause {
            // From here on the server may have committed, whatever its last words were.
            throw StorageError(
                .commitUnknown,
                "The connection to the database was lost during a commit. Check whether it was committed.",
                cause: cause)
        }
        if link.isIdle { exchanges = 0 }
        if let failure = outcome.failure { throw failure }
        // The server answers COMMIT with ROLLBACK when a statement had failed.
        guard outcome.answers.last?.tag == "COMMIT" else { throw Self.undone("COMMIT was answered with ROLLBACK") }
    }

    private static func undone(_ cause: String) -> StorageError {
        StorageError(.writeFailed, "The database undid the transaction. Try again.", cause: cause)
    }

    func savepoint<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        let pending = waiting.count
        let before = exchanges
        depth += 1
        defer { depth -= 1 }
        let name = "savepoint_\(depth)"
        waiting.append(.control("SAVEPOINT \(name)"))
        do {
            let value = try body()
            // What fails must fail here, where it can be undone alone.
            if waiting.dropFirst(exchanges == before ? pending : 0).contains(where: \.isStatement) { _ = try run([]) }
            if exchanges == before {
                waiting.removeSubrange(pending...)
            } else {
                waiting.append(.control("RELEASE SAVEPOINT \(name)"))
            }
            return value
        } catch {
            if exchanges == before {
                waiting.removeSubrange(pending...)
            } else {
                waiting = [.control("ROLLBACK TO SAVEPOINT \(name)"), .control("RELEASE SAVEPOINT \(name)")]
            }
            throw StorageError(thrown: error)
        }
    }

    // MARK: Statements

    func rows(_ statement: SQLStatement) throws(StorageError) -> [SQLRow] {
        try run([(statement.sql, ParameterBuffer(statement.arguments))])[0].rows
    }

    @discardableResult
    func execute(_ statement: SQLStatement) throws(StorageError) -> Int {
        let answer = try run([(statement.sql, ParameterBuffer(statement.arguments))])[0]
        return answer.tag.hasPrefix("SELECT") ? 0 : answer.affected
    }

    func rows(pipelined statements: [SQLStatement]) throws(StorageError) -> [[SQLRow]] {
        guard !statements.isEmpty else { return [] }
        var commands: [Statement] = []
        commands.reserveCapacity(statements.count)
        for statement in statements { commands.append((statement.sql, try ParameterBuffer(statement.arguments))) }
        return try run(commands).map(\.rows)
    }

    func post(_ statements: [SQLStatement]) throws(StorageError) {
        for statement in statements {
            waiting.append(.statement((statement.sql, try ParameterBuffer(statement.arguments))))
        }
    }

    func insert(_ insertion: SQLInsertion, rows: [SQLRow]) throws(StorageError) {
        guard !rows.isEmpty else { return }
        let columns = insertion.columns
        guard rows.allSatisfy({ $0.count == columns.count }), !columns.isEmpty else {
            throw StorageError(
                .writeFailed, "A row to insert is not of its table's form. Report this as a fault of Parley.",
                cause: "\(columns.count) columns were expected in \(insertion.table)")
        }
        for part in Self.parts(of: rows) {
            var parameters = ParameterBuffer()
            for (index, column) in columns.enumerated() {
                try parameters.appendColumn(index, of: part, type: column.type)
            }
            waiting.append(.statement((insertion.arrayStatement, parameters)))
        }
    }

    /// Cuts many rows into parts that fit one statement well: nearly always there is one.
    private static func parts(of rows: [SQLRow]) -> [ArraySlice<SQLRow>] {
        let maximumRows = 10_000
        let maximumBytes = 64 << 20
        var parts: [ArraySlice<SQLRow>] = []
        var start = 0
        var bytes = 0
        for (index, row) in rows.enumerated() {
            let size = row.reduce(0) { sum, value in
                switch value {
                case .null, .int: sum + 12
                case .text(let text): sum + 4 + text.utf8.count
                case .bytes(let raw): sum + 4 + raw.count
                }
            }
            if index > start, index - start == maximumRows || bytes + size > maximumBytes {
                parts.append(rows[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += size
        }
        parts.append(rows[start...])
        return parts
    }

    /// Runs statements in one round trip, with what must go before them.
    private func run(_ statements: [Statement]) throws(StorageError) -> [PostgresLink.Answer] {
        guard isInTransaction else {
            throw StorageError(
                role == .writer ? .writeFailed : .readFailed,
                "A connection was used after its transaction. Report this as a fault of Parley.")
        }
        if let cause = link.brokenBecause { throw .connectionLost(cause) }
        if transactionLost { throw Self.undone("the transaction had ended before the statement") }

        let (outcome, places) = exchange(statements)
        if let failure = outcome.failure {
            if !link.isBroken, link.isIdle { transactionLost = true }
            throw failure
        }
        return places.map { outcome.answers[$0] }
    }

    /// Sends what waits, `statements` and `control` in one round trip, preparing statements that are new.
    ///
    /// - Returns: What became of it, and where the answers to `statements` are.
    private func exchange(
        _ statements: [Statement], ending control: String? = nil
    ) -> (outcome: PostgresLink.Outcome, places: [Int]) {
        var commands: [PostgresLink.Command] = []
        var evictions: [Int: String] = [:]
        var preparations: [Int: (key: StatementCache.Key, name: String)] = [:]
        var fresh: [StatementCache.Key: String] = [:]
        func add(_ statement: Statement) -> Int {
            let key = StatementCache.Key(sql: statement.sql, types: statement.parameters.types)
            var name = self.statements.name(for: key) ?? fresh[key]
            if name == nil {
                let new = self.statements.newName()
                preparations[commands.count] = (key, new)
                commands.append(.prepare(name: new, sql: key.sql, types: key.types))
                (name, fresh[key]) = (new, new)
            }
            commands.append(.execute(name: name ?? "", statement.parameters))
            return commands.count - 1
        }
        for item in waiting {
            switch item {
            case .control(let sql): commands.append(.control(sql))
            case .statement(let statement): _ = add(statement)
            }
        }
        for name in self.statements.evicted {
            evictions[commands.count] = name
            commands.append(.control("DEALLOCATE \(name)"))
        }
        let places = statements.map(add)
        if let control { commands.append(.control(control)) }
        waiting = []
        exchanges += 1
        let outcome = link.exchange(commands) { index in
            if let (key, name) = preparations[index] { self.statements.prepared(key, as: name) }
            if let name = evictions[index] { self.statements.deallocated(name) }
        }
        // The plan no longer fits the tables, or a pooler between us gave the connection to another server.
        if ["0A000", "26000"].contains(outcome.sqlState) { isStale = true }
        return (outcome, places)
    }
}

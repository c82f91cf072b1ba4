// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// A real engine whose writes a test can hold up, fail or count, and around which a test can let something else happen.
package final class HeldEngine: StorageEngine {
    /// What becomes of a write.
    package enum Fault: Sendable, Equatable {
        case pass
        case failBefore(StorageError.Code)
        /// The write is done, and its answer is lost.
        case failAfter(StorageError.Code)
        /// The write is undone at its COMMIT, and nobody is told so.
        case undo(StorageError.Code)
    }

    private struct State {
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
        var beforeEachWrite: (@Sendable () -> Void)?
        var beforeNextWrite: (@Sendable () async -> Void)?
        var beforeNextRead: (@Sendable () async -> Void)?
        var afterNextRead: (@Sendable () async -> Void)?
        var isOutOfReach = false
        var losesNextAnswer = false
        var faults: [Fault] = []
        var writes = 0
        var statements = 0
        var reads = 0
        var failingReads = 0
    }

    private let engine: any StorageEngine
    private let state = Mutex(State())
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    /// Stands before an engine; without `hearsHints` no hint of other processes arrives.
    package init(_ engine: any StorageEngine, hearsHints: Bool = true) {
        self.engine = engine
        signals = hearsHints ? engine.signals : DeafSignals()
        (arrivals, arrived) = AsyncStream.makeStream()
    }

    package var dialect: SQLDialect { engine.dialect }
    package let signals: any LogSignals
    package var writerExecutor: (any TaskExecutor)? { engine.writerExecutor }

    /// Lets no write begin until `release`.
    package func hold() { state.withLock { $0.isHolding = true } }

    /// Lets the held writes go on, and those that come.
    package func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Waits until a write is held.
    package func writeIsHeld() async {
        for await _ in arrivals { return }
    }

    /// Calls `body` before each write.
    package func beforeEachWrite(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.beforeEachWrite = body }
    }

    /// Runs `body` before the next write, once.
    package func beforeNextWrite(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.beforeNextWrite = body }
    }

    /// Runs `body` before the next read, once.
    package func beforeNextRead(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.beforeNextRead = body }
    }

    /// Runs `body` after the next read, before its caller has the result, once.
    package func afterNextRead(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.afterNextRead = body }
    }

    /// Lets everything fail, as when the database is gone, or work again.
    package func setOutOfReach(_ isOutOfReach: Bool) { state.withLock { $0.isOutOfReach = isOutOfReach } }

    /// Loses the answer to the next commit, which is done, and lets everything fail from then on.
    package func loseNextAnswer() { state.withLock { $0.losesNextAnswer = true } }
    /// Lets the next reads fail, and works again after them.
    package func failNextReads(_ count: Int) { state.withLock { $0.failingReads = count } }

    /// What becomes of the next writes, one after the other.
    package func fail(with faults: [Fault]) { state.withLock { $0.faults = faults } }

    /// How many writes were asked for.
    package var writes: Int { state.withLock { $0.writes } }
    /// The statements of all transactions so far; an insertion of many rows is one.
    package var statements: Int { state.withLock { $0.statements } }
    /// Reads so far, those that failed among them.
    package var reads: Int { state.withLock { $0.reads } }

    private func countRead() throws(StorageError) {
        let fails = state.withLock { state in
            state.reads += 1
            guard state.failingReads > 0 else { return false }
            state.failingReads -= 1
            return true
        }
        if fails { throw StorageError(.unavailable, "The test lets this read fail.") }
    }

    private func reach() throws(StorageError) {
        if state.withLock({ $0.isOutOfReach }) { throw StorageError(.unavailable, "The test holds the database back.") }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try reach()
        try countRead()
        await state.withLock { state in
            defer { state.beforeNextRead = nil }
            return state.beforeNextRead
        }?()
        let value = try await engine.read(counted(body))
        await state.withLock { state in
            defer { state.afterNextRead = nil }
            return state.afterNextRead
        }?()
        return value
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.writes += 1
                if state.isHolding { state.held.append(continuation) }
                return state.isHolding
            }
            if isHeld { arrived.yield() } else { continuation.resume() }
        }
        state.withLock { $0.beforeEachWrite }?()
        await state.withLock { state in
            defer { state.beforeNextWrite = nil }
            return state.beforeNextWrite
        }?()
        try reach()
        let fault = state.withLock { $0.faults.isEmpty ? .pass : $0.faults.removeFirst() }
        if case .failBefore(let code) = fault { throw StorageError(code, "The test breaks this write.") }
        if case .undo(let code) = fault {
            return try await engine.write { connection in
                _ = try body(connection)
                throw StorageError(code, "The test undoes this write.")
            }
        }
        let value = try await engine.write(counted(body))
        if case .failAfter(let code) = fault { throw StorageError(code, "The test loses this answer.") }
        let isLost = state.withLock { state in
            if state.losesNextAnswer { state.isOutOfReach = true }
            defer { state.losesNextAnswer = false }
            return state.losesNextAnswer
        }
        if isLost { throw StorageError(.commitUnknown, "The test loses this answer.") }
        return value
    }

    /// Counts the statements of `body`.
    private func counted<Value>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) -> @Sendable (any SQLConnection) throws -> Value {
        { connection in
            let counting = CountingConnection(connection)
            defer { self.state.withLock { $0.statements += counting.statements } }
            return try body(counting)
        }
    }

    package func facts() async throws(StorageError) -> EngineFacts { try await engine.facts() }
    package func searchIndex() async throws(StorageError) -> (any StorageEngine)? { try await engine.searchIndex() }
    package func remakeSearchIndex() async throws(StorageError) { try await engine.remakeSearchIndex() }
    package func sweepSearchIndex() async throws(StorageError) { try await engine.sweepSearchIndex() }
    package func close() async { await engine.close() }
}

/// Hints that never arrive, as when their connection is cut.
private final class DeafSignals: LogSignals {
    private let streams = LogHintStreams(isConnected: false)

    func publish(_ news: LogNews) {}
    func subscribe() -> AsyncStream<LogHint> { streams.subscribe() }
    func close() async { streams.finish() }
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

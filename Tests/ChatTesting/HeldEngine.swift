// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// A real engine whose writes a test can hold up, and around which a test can let something else happen.
package final class HeldEngine: StorageEngine {
    private struct State {
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
        var beforeEachWrite: (@Sendable () -> Void)?
        var beforeNextWrite: (@Sendable () async -> Void)?
        var afterNextRead: (@Sendable () async -> Void)?
        var isOutOfReach = false
        var losesNextAnswer = false
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
        let value = try await engine.read(body)
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
        let value = try await engine.write(body)
        let isLost = state.withLock { state in
            if state.losesNextAnswer { state.isOutOfReach = true }
            defer { state.losesNextAnswer = false }
            return state.losesNextAnswer
        }
        if isLost { throw StorageError(.commitUnknown, "The test loses this answer.") }
        return value
    }

    package func facts() async throws(StorageError) -> EngineFacts { try await engine.facts() }
    package func close() async { await engine.close() }
}

/// Hints that never arrive, as when their connection is cut.
private final class DeafSignals: LogSignals {
    private let streams = LogHintStreams(isConnected: false)

    func publish(_ news: LogNews) {}
    func subscribe() -> AsyncStream<LogHint> { streams.subscribe() }
    func close() async { streams.finish() }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import Storage

/// A real engine whose writes a test can hold up, or fail before or after they happen.
final class GatedEngine: StorageEngine {
    /// What to do with the next write.
    enum Fault: Sendable, Equatable {
        case pass
        case failBefore(StorageError.Code)
        /// The write is done, and its answer is lost.
        case failAfter(StorageError.Code)
        /// The write is undone at its COMMIT, and nobody is told so.
        case undo(StorageError.Code)
    }

    private struct State {
        var isClosed = false
        var held: [CheckedContinuation<Void, Never>] = []
        var faults: [Fault] = []
        var writes = 0
    }

    private let engine: any StorageEngine
    private let state = Mutex(State())
    /// Yields whenever a write arrives at the closed gate.
    let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    init(_ engine: any StorageEngine) {
        self.engine = engine
        (arrivals, arrived) = AsyncStream.makeStream()
    }

    var dialect: SQLDialect { engine.dialect }
    var signals: any LogSignals { engine.signals }
    var writerExecutor: (any TaskExecutor)? { engine.writerExecutor }
    /// How many writes were asked for.
    var writes: Int { state.withLock { $0.writes } }

    func closeGate() { state.withLock { $0.isClosed = true } }

    func openGate() {
        let held = state.withLock { state in
            state.isClosed = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    func fail(with faults: [Fault]) { state.withLock { $0.faults = faults } }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await engine.read(body)
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                state.writes += 1
                if state.isClosed { state.held.append(continuation) }
                return !state.isClosed
            }
            if passes { continuation.resume() } else { arrived.yield() }
        }
        let fault = state.withLock { $0.faults.isEmpty ? nil : $0.faults.removeFirst() }
        if case .failBefore(let code) = fault { throw StorageError(code, "The test breaks this write.") }
        if case .undo(let code) = fault {
            return try await engine.write { connection in
                _ = try body(connection)
                throw StorageError(code, "The test undoes this write.")
            }
        }
        let value = try await engine.write(body)
        if case .failAfter(let code) = fault { throw StorageError(code, "The test loses this answer.") }
        return value
    }

    func facts() async throws(StorageError) -> EngineFacts { try await engine.facts() }
    func close() async { await engine.close() }
}

/// Time passes only by sleeping, at once.
final class ImpatientClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let time = Mutex(Instant(offset: .zero))
    var now: Instant { time.withLock { $0 } }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        time.withLock { $0 = max($0, deadline) }
    }
}

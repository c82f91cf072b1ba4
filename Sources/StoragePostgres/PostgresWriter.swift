// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// The one session that writes, on a thread of its own: transactions take turns in the order in which they were asked
/// for.
final class PostgresWriter: Sendable {
    private struct State {
        var waiting = 0
        var isClosed = false
    }

    /// `nil`: the system had none.
    let thread = WriterThread()
    private let source: SessionSource
    private let maximumWaiters: Int
    private let waitTimeout: Duration
    private let state = Mutex(State())
    // Only the thread touches it.
    nonisolated(unsafe) private var session: PostgresSession?

    init(_ configuration: PostgresConfiguration, source: SessionSource) {
        self.source = source
        maximumWaiters = configuration.maximumWaiters
        waitTimeout = configuration.waitTimeout
    }

    func write<Value: Sendable>(
        _ body: (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        guard let thread else { throw .noThread }
        let refusal = state.withLock { state -> StorageError? in
            if state.isClosed { return .closed }
            guard state.waiting <= maximumWaiters else { return .exhausted }
            state.waiting += 1
            return nil
        }
        if let refusal { throw refusal }
        defer { state.withLock { $0.waiting -= 1 } }
        let deadline = source.now() + waitTimeout
        return try await thread.run { try perform(body, before: deadline) }
    }

    /// On the thread.
    private func perform<Value>(
        _ body: (any SQLConnection) throws -> Value, before deadline: Duration
    ) throws(StorageError) -> Value {
        if state.withLock({ $0.isClosed }) { throw .closed }
        if source.now() > deadline { throw .exhausted }
        session?.checkHealth()
        source.dropIfUnusable(&session)
        let current: PostgresSession
        if let session { current = session } else { current = try source.open() }
        session = current
        defer { source.dropIfUnusable(&session) }
        return try current.write(body).get()
    }

    /// Refuses what waits and what comes.
    func beginClosing() { state.withLock { $0.isClosed = true } }

    /// The same, and closes the connection when the transaction that runs has ended.
    func close() async {
        beginClosing()
        try? await thread?.run { session = nil }
    }
}

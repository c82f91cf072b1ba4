// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Storage
import Synchronization

/// Where sessions come from: connects, and pauses between attempts while the server cannot be reached.
final class SessionSource: Sendable {
    private struct State {
        var backoff = ReconnectBackoff()
        /// Whether there ever was a connection.
        var hasConnected = false
        var lastFailure: StorageError?
    }

    let now: @Sendable () -> Duration
    private let logger: Logger
    private let random: @Sendable () -> UInt64
    private let connect: @Sendable () throws(StorageError) -> PostgresSession
    private let state = Mutex(State())

    init(
        logger: Logger, now: @escaping @Sendable () -> Duration, random: @escaping @Sendable () -> UInt64,
        connect: @escaping @Sendable () throws(StorageError) -> PostgresSession
    ) {
        self.logger = logger
        self.now = now
        self.random = random
        self.connect = connect
    }

    /// A new session, unless the last attempt failed a moment ago.
    func open() throws(StorageError) -> PostgresSession {
        if let refusal = state.withLock({ $0.backoff.allowsAttempt(at: now()) ? nil : $0.lastFailure }) {
            throw refusal
        }
        do throws(StorageError) {
            let session = try connect()
            let hadFailed = state.withLock { state in
                defer { state.backoff.succeeded() }
                state.hasConnected = true
                return state.backoff.failures > 0
            }
            if hadFailed { logger.info("The database is reachable again") }
            return session
        } catch {
            let (failures, hasConnected) = state.withLock { state in
                state.backoff.failed(at: now(), random: random())
                state.lastFailure = error
                return (state.backoff.failures, state.hasConnected)
            }
            // Once per outage: the following attempts would only repeat it. At the start the error itself is told.
            if failures == 1 {
                logger.log(
                    level: hasConnected ? .warning : .debug, "The database cannot be reached",
                    metadata: ["error": "\(String(reflecting: error))"])
            }
            throw error
        }
    }

    /// Lets go of a session that cannot be used any more; call it after each use.
    func dropIfUnusable(_ session: inout PostgresSession?) {
        guard let current = session, !current.isUsable else { return }
        logger.info("A database connection ended", metadata: ["postgres.cause": "\(current.lossCause ?? "unknown")"])
        session = nil
    }
}

extension StorageError {
    static var closed: StorageError {
        StorageError(.unavailable, "The database is being closed. Try again after the restart.")
    }

    static var cancelled: StorageError {
        StorageError(.unavailable, "The request was cancelled: no connection waits for its answer any more.")
    }

    static var exhausted: StorageError {
        StorageError(
            .unavailable, "The database is busy: too many requests wait for a connection. Try again in a moment.")
    }

    static var noThread: StorageError {
        StorageError(
            .unavailable, "The system gave no thread or descriptor for a database connection. Raise its limits.")
    }
}

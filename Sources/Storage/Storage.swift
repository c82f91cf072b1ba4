// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The store: one log and its tables over an engine.
///
/// All methods speak in records; no row, statement or connection leaves.
package final class Storage: Sendable {
    package let engine: any StorageEngine
    /// The wall clock.
    ///
    /// The log's time follows it but never goes back.
    private let now: @Sendable () -> LogTime
    private let clock: any Clock<Duration>
    private let isClosed = Mutex(false)

    /// Makes the store over an engine; reads and writes nothing yet.
    ///
    /// `clock` measures the pauses between attempts at a commit, `now` is the time that messages get.
    package init(
        engine: any StorageEngine, clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> LogTime
    ) {
        self.engine = engine
        self.clock = clock
        self.now = now
    }

    /// How this process hears of the commits of all that share the store, its own among them.
    package var signals: any LogSignals { engine.signals }

    /// What the wall clock says.
    package func currentTime() -> LogTime { now() }

    /// Closes the engine; a commit that waits for its next attempt gives up.
    package func close() async {
        isClosed.withLock { $0 = true }
        await engine.close()
    }

    /// Applies `writes` in one transaction, in order.
    ///
    /// When it returns, what was done is durable, and the subscribers of `signals` are told. One write that fails is failed alone: the batch is rolled back and repeated with each write in a savepoint. While
    /// the database is out of reach the batch is tried again for `CommitRetry.patience`. After a connection lost during
    /// COMMIT the log is asked whether the batch is in it; it is repeated only if not.
    ///
    /// - Throws: `.commitUnknown` when the log could not be asked whether the batch is in it; anything else when nothing of
    ///   the batch was done.
    package func commit(_ writes: [Write]) async throws(StorageError) -> CommittedBatch {
        guard !writes.isEmpty else { return CommittedBatch(outcomes: [], events: []) }
        var isolating = false
        var retry = CommitRetry(clock)
        while true {
            // What the transaction intended, kept outside it for the case that its COMMIT gets no answer.
            let intended = Mutex<CommittedBatch?>(nil)
            let isolate = isolating
            var failure: StorageError
            do {
                return published(
                    try await engine.write { (connection) throws(StorageError) in
                        let batch = try self.apply(writes, on: connection, isolating: isolate)
                        intended.withLock { $0 = batch }
                        return batch
                    })
            } catch {
                failure = error
            }
            switch failure.code {
            case .commitUnknown:
                guard let batch = intended.withLock({ $0 }), let found = await isCommitted(batch, &retry) else {
                    throw failure
                }
                if found { return published(batch) }
                failure = StorageError(
                    .unavailable, "The connection to the database was lost. Try again.", cause: failure.cause)
            case .unavailable: break
            case .unusable, .needsMigration, .newerThanProgram: throw failure
            case .notFound, .conflict, .readFailed, .writeFailed:
                guard !isolating else { throw failure }
                isolating = true
                continue
            }
            guard await mayTryAgain(&retry) else { throw failure }
        }
    }

    private func published(_ batch: CommittedBatch) -> CommittedBatch {
        if let news = LogNews(batch.events) { signals.publish(news) }
        return batch
    }

    private func mayTryAgain(_ retry: inout CommitRetry) async -> Bool {
        guard !isClosed.withLock({ $0 }) else { return false }
        return await retry.pause()
    }

    private func apply(
        _ writes: [Write], on connection: any SQLConnection, isolating: Bool
    ) throws(StorageError) -> CommittedBatch {
        var log = try LogTransaction(connection, dialect: engine.dialect, now: now())
        var outcomes: [WriteOutcome] = []
        if isolating {
            for index in writes.indices {
                let before = log
                do {
                    outcomes += try connection.savepoint { () throws(StorageError) in
                        let outcome = try log.apply(writes[index...index])
                        try log.flush()
                        return outcome
                    }
                } catch  where error.code != .unavailable {
                    log = before
                    outcomes.append(.failed(error))
                }
            }
        } else {
            outcomes = try log.apply(writes[...])
        }
        try log.finish()
        return CommittedBatch(outcomes: outcomes, events: log.events)
    }

    /// Whether the log has the batch: its transaction was whole or nothing, so one event tells for all.
    ///
    /// `nil` if the log cannot be asked.
    private func isCommitted(_ batch: CommittedBatch, _ retry: inout CommitRetry) async -> Bool? {
        guard let first = batch.events.first else { return true }
        repeat {
            do {
                return try await engine.write { (connection) throws(StorageError) in
                    // Under the lock of the head: a COMMIT that is still on its way has ended before this reads.
                    _ = try connection.rows("UPDATE log_head SET position = position WHERE id = 1 RETURNING position")
                    return try !connection.rows("SELECT 1 FROM events WHERE uuid = $1", [SQLValue(first.uuid)]).isEmpty
                }
            } catch  where error.code == .unavailable || error.code == .commitUnknown {
                continue
            } catch {
                return nil
            }
        } while await mayTryAgain(&retry)
        return nil
    }
}

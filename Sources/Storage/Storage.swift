// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Synchronization

/// The store: one log and its tables over an engine.
///
/// All methods speak in records; no row, statement or connection leaves.
package final class Storage: Sendable {
    package let engine: any StorageEngine
    /// The wall clock.
    ///
    /// The log's time follows it and goes back only at a `LogStep`.
    private let now: @Sendable () -> Timestamp
    private let clock: any Clock<Duration>
    let elapsed: @Sendable () -> Duration
    let observer: QueryObserver?
    private let isClosed = Atomic(false)
    /// Whether the last batch was given up because the database did not answer.
    private let isOutOfReach = Atomic(false)
    /// The step that the search index makes now.
    let currentSearchStep = Mutex<Task<Result<SearchStep, StorageError>, Never>?>(nil)

    /// Makes the store over an engine; reads and writes nothing yet.
    ///
    /// `clock` measures transactions and the pauses between attempts at a commit, `now` is the time that messages get.
    package init(
        engine: any StorageEngine, clock: any Clock<Duration> = ContinuousClock(), observer: QueryObserver? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.engine = engine
        self.observer = observer
        self.clock = clock
        elapsed = clock.elapsedTime()
        self.now = now
    }

    /// How this process hears of the commits of all that share the store, its own among them.
    package var signals: any LogSignals { engine.signals }

    /// What the wall clock says.
    package func currentTime() -> Timestamp { now() }

    /// Lets a commit that waits for its next attempt give up, as do those that follow.
    package func beginClosing() {
        isClosed.store(true, ordering: .relaxed)
    }

    /// Closes the engine; a commit that waits for its next attempt gives up.
    package func close() async {
        beginClosing()
        await engine.close()
    }

    /// Applies `writes` in one transaction, in order.
    ///
    /// When it returns, what was done is durable, and the subscribers of `signals` are told. One write that fails is
    /// failed alone: the batch is rolled back and repeated with each write in a savepoint. While the database is out of
    /// reach the batch is tried again for `CommitRetry.timeout`; the batches that follow one that was given up are
    /// tried once, so that nothing waits for long in an outage. After a COMMIT without an answer the log is asked, for
    /// `CommitRetry.lookUpTimeout`, whether the batch is in it; it is repeated only if not.
    ///
    /// - Throws: `.commitUnknown` or `.inDoubt` when the batch may or may not have been done; anything else when
    ///   nothing of it was done.
    package func commit(_ writes: [Write]) async throws(StorageError) -> CommittedBatch {
        guard !writes.isEmpty else { return CommittedBatch(outcomes: [], events: []) }
        let start = elapsed()
        do {
            var batch = try await committed(writes)
            batch.duration = elapsed() - start
            isOutOfReach.store(false, ordering: .relaxed)
            return batch
        } catch {
            isOutOfReach.store(error.code == .unavailable || error.code == .commitUnknown, ordering: .relaxed)
            throw error
        }
    }

    private func committed(_ writes: [Write]) async throws(StorageError) -> CommittedBatch {
        var isolating = false
        var lookUps = 0
        var retry = CommitRetry(clock, timeout: isOutOfReach.load(ordering: .relaxed) ? .zero : CommitRetry.timeout)
        while true {
            // What the transaction intended, kept outside it for the case that its COMMIT gets no answer.
            let intended = Mutex<CommittedBatch?>(nil)
            let isolate = isolating
            var failure: StorageError
            do {
                return published(
                    try await write(.commit) { connection in
                        let batch = try self.apply(writes, on: connection, isolating: isolate)
                        intended.withLock { $0 = batch }
                        return batch
                    })
            } catch {
                failure = error
            }
            switch failure.code {
            case .commitUnknown:
                guard let batch = intended.withLock({ $0 }), let found = await isCommitted(batch) else {
                    throw failure
                }
                if found { return published(batch) }
                failure = StorageError(
                    .unavailable, "The connection to the database was lost. Try again.", cause: failure.cause)
                lookUps += 1
                guard lookUps < CommitRetry.maximumLookUps else { throw failure }
                // The log has just answered: the outage that this batch waited for is over.
                retry = CommitRetry(clock)
            case .unavailable: break
            case .unusable, .needsMigration, .newerThanProgram, .full, .inDoubt: throw failure
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
        guard !isClosed.load(ordering: .relaxed) else { return false }
        return await retry.pause()
    }

    private func apply(
        _ writes: [Write], on connection: any SQLConnection, isolating: Bool
    ) throws(StorageError) -> CommittedBatch {
        var log = try LogTransaction(
            connection, dialect: engine.dialect, now: now(), beginningWith: isolating ? [] : writes)
        var outcomes: [WriteOutcome<any Sendable>] = []
        if isolating {
            for index in writes.indices {
                let before = log
                do {
                    outcomes += try connection.savepoint {
                        let outcome = try log.apply(writes[index...index])
                        try log.flush()
                        return outcome
                    }
                } catch  where ![.unavailable, .full, .inDoubt].contains(error.code) {
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
    /// `nil` if the log could not be asked in time.
    private func isCommitted(_ batch: CommittedBatch) async -> Bool? {
        guard let first = batch.events.first else { return true }
        var retry = CommitRetry(clock, timeout: CommitRetry.lookUpTimeout)
        repeat {
            do {
                return try await write(.commit) { connection in
                    // Under the lock of the head: a COMMIT that is still on its way has ended before this reads.
                    _ = try connection.rows("UPDATE log_head SET position = position WHERE id = 1 RETURNING position")
                    return try !connection.rows("SELECT 1 FROM events WHERE uuid = $1", [SQLValue(first.uuid)]).isEmpty
                }
            } catch  where error.code == .unavailable || error.code == .commitUnknown || error.code == .full {
                continue
            } catch {
                return nil
            }
        } while await mayTryAgain(&retry)
        return nil
    }
}

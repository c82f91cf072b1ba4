// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The store: one log and its tables over an engine. All methods speak in records; no row, statement or connection leaves.
package final class Storage: Sendable {
    package let engine: any StorageEngine
    /// The wall clock. The log's time follows it but never goes back.
    private let now: @Sendable () -> LogTime

    package init(engine: any StorageEngine, now: @escaping @Sendable () -> LogTime) {
        self.engine = engine
        self.now = now
    }

    package func currentTime() -> LogTime { now() }

    package func close() async {
        await engine.close()
    }

    /// Applies `writes` in one transaction, in order. When it returns, what was done is durable.
    ///
    /// One write that fails is failed alone: the batch is rolled back and repeated with each write in a savepoint. After a
    /// connection lost during COMMIT the log is asked whether the batch is in it; it is repeated only if not.
    ///
    /// - Throws: `.unavailable` and the like when nothing of the batch could be done.
    package func commit(_ writes: [Write]) async throws(StorageError) -> CommittedBatch {
        guard !writes.isEmpty else { return CommittedBatch(outcomes: [], events: []) }
        var isolating = false
        var attemptsLeft = 8
        while true {
            // What the transaction intended, kept outside it for the case that its COMMIT gets no answer.
            let intended = Mutex<CommittedBatch?>(nil)
            let isolate = isolating
            do {
                return try await engine.write { (connection) throws(StorageError) in
                    let batch = try self.apply(writes, on: connection, isolating: isolate)
                    intended.withLock { $0 = batch }
                    return batch
                }
            } catch {
                attemptsLeft -= 1
                switch error.code {
                case .commitUnknown:
                    if let batch = intended.withLock({ $0 }), try await isCommitted(batch) { return batch }
                    guard attemptsLeft > 0 else { throw error }
                case .unavailable, .unusable, .needsMigration, .newerThanProgram:
                    guard error.code == .unavailable, attemptsLeft > 0 else { throw error }
                case .notFound, .conflict, .readFailed, .writeFailed:
                    guard !isolating else { throw error }
                    isolating = true
                }
            }
        }
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
    private func isCommitted(_ batch: CommittedBatch) async throws(StorageError) -> Bool {
        guard let first = batch.events.first else { return true }
        var attemptsLeft = 8
        while true {
            do {
                return try await engine.write { (connection) throws(StorageError) in
                    // Under the lock of the head: a COMMIT that is still on its way has ended before this reads.
                    _ = try connection.rows(
                        "UPDATE log_head SET position = position WHERE id = 1 RETURNING position")
                    return try !connection.rows(
                        "SELECT 1 FROM events WHERE uuid = $1", [SQLValue(first.uuid)]
                    ).isEmpty
                }
            } catch  where error.code == .unavailable || error.code == .commitUnknown {
                attemptsLeft -= 1
                guard attemptsLeft > 0 else { throw error }
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import ServiceLifecycle
import Storage

/// What no request waits for: the search index, which sessions are in use, what has expired.
struct Housekeeping: Service {
    let chat: Chat
    let clock: ClockWatch
    let logger: Logger
    /// How often the search index looks for new messages.
    private static let indexingPause = Duration.seconds(1)
    /// How long the rest waits between two rounds.
    private static let roundPause = Duration.seconds(60)
    /// How many of those rounds lie between two sweeps of the search index, which merge all of it.
    private static let roundsBetweenIndexSweeps = 60
    /// How long a session that has expired is still told apart from one that never was.
    private static let expiredSessionSeconds: Int64 = 30 * 86_400

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                // An index that takes long to fill does not hold up the rest.
                async let indexing: Void = followLog()
                var round = 0
                while !Task.isCancelled {
                    try await Task.sleep(for: Self.roundPause)
                    await sweep()
                    if round.isMultiple(of: Self.roundsBetweenIndexSweeps) { await sweepIndex() }
                    round += 1
                }
                try await indexing
            }
        } catch is CancellationError {
            // The server stops.
        }
    }

    private func followLog() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: Self.indexingPause)
            await index()
        }
    }

    /// Follows the log, and leaves the messages that come meanwhile to the next time.
    ///
    /// A transaction for each of them would cost more than the messages themselves. Where the index shares the writer
    /// with the log, it waits for a moment without writes.
    private func index() async {
        do throws(StorageError) {
            let isApart = chat.storage.engine.dialect.search.isApart
            while isApart || chat.waitingWrites == 0, !Task.isCancelled {
                guard try await chat.storage.indexForSearch(text: MessageContent.searchText) == .full else { return }
            }
        } catch {
            report(error, "The search index cannot follow the log")
        }
    }

    private func sweepIndex() async {
        do throws(StorageError) {
            try await chat.storage.sweepSearchIndex(text: MessageContent.searchText)
        } catch {
            report(error, "The search index could not be swept")
        }
    }

    private func sweep() async {
        chat.cursors.noteSeen(chat.hub.connectedSessions)
        do throws(StorageError) {
            let now = chat.storage.currentTime()
            // What seems old by a clock that is ahead may be new.
            let isClockAhead = try await clock.hoursAhead(in: chat) != nil
            if !isClockAhead {
                _ = try await chat.storage.removeSessions(
                    expiredBefore: Timestamp(milliseconds: now.milliseconds - Self.expiredSessionSeconds * 1000))
            }
            // Who repairs finds everything as it was.
            if chat.mode == .normal, !isClockAhead {
                _ = try await chat.storage.collectBlobs()
                _ = try await chat.storage.purgeDeletedFlows()
            }
        } catch {
            report(error, "The store could not be tidied")
        }
        // Its failures are in the log.
        try? await chat.endAbandonedSessions()
    }

    private func report(_ error: StorageError, _ what: Logger.Message) {
        if error.code == .inDoubt { chat.giveUp(error) }
        logger.warning(what, metadata: ["error": "\(String(reflecting: error))"])
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// What the server has done since it started, counted as it does it.
///
/// Counting costs a lock per batch, not per message, and takes the same memory for ever.
package final class Metrics: Sendable {
    /// The sums so far.
    package struct Counts: Sendable, Equatable {
        /// Transactions of the log.
        package var batches: UInt64 = 0
        /// Entries of the log.
        package var events: UInt64 = 0
        /// Messages among the entries.
        package var messages: UInt64 = 0
        /// Entries of the last transaction.
        package var lastBatch = 0
        /// How often a message was handed to a connection.
        package var deliveries: UInt64 = 0
        /// From the commit of a message until it was handed to its last connection.
        package var latency = LatencyHistogram()
    }

    private let sums = Mutex(Counts())

    private let started: ContinuousClock.Instant

    init(started: ContinuousClock.Instant) {
        self.started = started
    }

    /// The sums so far.
    package var counts: Counts { sums.withLock { $0 } }

    func uptime(at now: ContinuousClock.Instant) -> Duration { started.duration(to: now) }

    func committed(_ events: [LogEvent]) {
        let messages = events.count { $0.kind == .message }
        sums.withLock { sums in
            sums.batches &+= 1
            sums.events &+= UInt64(events.count)
            sums.messages &+= UInt64(messages)
            sums.lastBatch = events.count
        }
    }

    func handedOver(messages: Int, to connections: Int, after duration: Duration?) {
        sums.withLock { sums in
            sums.deliveries &+= UInt64(messages * connections)
            if let duration { sums.latency.record(duration, weight: messages) }
        }
    }
}

extension Chat {
    /// What this process has done since it started.
    package var metrics: Metrics { delivery.metrics }

    /// How long ago that was.
    package var uptime: Duration { delivery.metrics.uptime(at: now()) }
}

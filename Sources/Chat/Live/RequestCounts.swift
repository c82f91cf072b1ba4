// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Synchronization

/// The answered requests of one protocol, counted for `/metrics`.
package final class RequestCounts: Sendable {
    /// No array: a request is counted without allocating.
    private struct Key: Hashable {
        var command: String
        var outcome: String
    }

    private let protocolName: String
    private let factory: any MetricsFactory
    private let counters = Mutex<[Key: Counter]>([:])
    private let refusals: WordCounters
    private let durations: Timer

    init(of protocol: String, _ factory: any MetricsFactory) {
        protocolName = `protocol`
        self.factory = factory
        refusals = WordCounters("parley_requests_refused_total", ["protocol", "reason"], factory)
        durations = Timer(
            label: "parley_request_duration_seconds", dimensions: [("protocol", `protocol`)], factory: factory)
    }

    /// Counts a request; all words are those of our code, never from outside.
    package func count(command: String, outcome: String, refusal: String?, nanoseconds: UInt64) {
        durations.recordNanoseconds(Int64(clamping: nanoseconds))
        counter(Key(command: command, outcome: outcome)).increment()
        if let refusal { refusals.increment([protocolName, refusal]) }
    }

    private func counter(_ key: Key) -> Counter {
        counters.withLock { counters in
            if let known = counters[key] { return known }
            let new = Counter(
                label: "parley_requests_total",
                dimensions: [("protocol", protocolName), ("command", key.command), ("outcome", key.outcome)],
                factory: factory)
            counters[key] = new
            return new
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How much the server has to do, and how much it may have: `--limit-concurrency` and `--limit-max-requests`.
///
/// The rule is uvicorn's: a request is refused while the open connections (its own among them) or the requests in
/// flight number `maximumConcurrency` or more. Upgrades are requests here; afterwards they count as the connection that
/// they are.
package final class ServerLoad: Sendable {
    private let maximumConcurrency: Int?
    private let maximumRequests: Int?
    private let onLastRequest: @Sendable () -> Void
    private let connections = Atomic<Int>(0)
    private let requestsInFlight = Atomic<Int>(0)
    private let requestsTotal = Atomic<Int>(0)

    /// Creates the counters of one server.
    ///
    /// - Parameters:
    ///   - maximumConcurrency: From how many connections or requests on a request gets 503; `nil`: never.
    ///   - maximumRequests: After how many requests and upgrades the server ends; `nil`: never.
    ///   - onLastRequest: Called once, when the last request that is allowed has been admitted. It is to begin a
    ///     graceful
    ///     shutdown, which lets that request finish.
    package init(
        maximumConcurrency: Int? = nil,
        maximumRequests: Int? = nil,
        onLastRequest: @escaping @Sendable () -> Void = {}
    ) {
        self.maximumConcurrency = maximumConcurrency
        self.maximumRequests = maximumRequests
        self.onLastRequest = onLastRequest
    }

    /// Open connections of every kind.
    package var openConnections: Int {
        self.connections.load(ordering: .relaxed)
    }

    /// Requests and upgrades since the start, refused ones not counted.
    package var totalRequests: Int {
        self.requestsTotal.load(ordering: .relaxed)
    }

    func connectionOpened() {
        self.connections.wrappingAdd(1, ordering: .relaxed)
    }

    func connectionClosed() {
        self.connections.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Counts a request as begun, unless there are too many.
    func admitRequest() -> Bool {
        let inFlight = self.requestsInFlight.wrappingAdd(1, ordering: .relaxed).oldValue
        if let limit = self.maximumConcurrency, max(inFlight, self.openConnections) >= limit {
            self.requestsInFlight.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        let total = self.requestsTotal.wrappingAdd(1, ordering: .relaxed).newValue
        if total == self.maximumRequests { self.onLastRequest() }
        return true
    }

    /// Counts a request that waits for another of its connection.
    func requestJoined() {
        self.requestsInFlight.wrappingAdd(1, ordering: .relaxed)
        let total = self.requestsTotal.wrappingAdd(1, ordering: .relaxed).newValue
        if total == self.maximumRequests { self.onLastRequest() }
    }

    func requestsFinished(_ count: Int) {
        self.requestsInFlight.wrappingSubtract(count, ordering: .relaxed)
    }
}

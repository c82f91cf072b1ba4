// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What one batch added to the log: enough to know whether to look.
package struct LogNews: Sendable, Equatable {
    /// The position before the batch's first event.
    package var from: Position
    /// The batch's last position.
    package var to: Position
    /// Some events belong to no flow: accounts, contacts, sessions, keys.
    package var hasAccountEvents: Bool
    /// The flows that it appended to; `nil` when they were too many to name.
    package var flows: Set<FlowID>?

    package init(from: Position, to: Position, hasAccountEvents: Bool, flows: Set<FlowID>?) {
        self.from = from
        self.to = to
        self.hasAccountEvents = hasAccountEvents
        self.flows = flows
    }
}

/// What a subscriber of the log is told.
package enum LogHint: Sendable, Equatable {
    /// A batch was committed, by this process or another.
    case news(LogNews)
    /// From now on hints arrive. What was committed before may have gone unheard: read the log.
    case reconnected
}

/// Tells the processes that share a store of each other's commits.
///
/// A hint may come twice, late or not at all; those that come are in the order of the log. A reader that misses one
/// sees that the next does not continue at its position.
package protocol LogSignals: Sendable {
    /// Passes on what was committed.
    ///
    /// Called after each COMMIT, in the order of the log. Does nothing where the transaction itself carried the hint.
    func publish(_ news: LogNews)

    /// The hints from now on, beginning with `.reconnected` as soon as they can arrive.
    ///
    /// The stream keeps the newest `LogHint.maximumWaiting`; it ends with the store.
    func subscribe() -> AsyncStream<LogHint>

    /// Ends all streams.
    func close() async
}

extension LogHint {
    /// How many hints wait for a subscriber that does not read; older ones are dropped.
    package static let maximumWaiting = 1024
}

/// The streams of one process's subscribers.
package final class LogHintStreams: Sendable {
    private struct State {
        var streams: [UInt64: AsyncStream<LogHint>.Continuation] = [:]
        var next: UInt64 = 0
        var isConnected: Bool
        var isClosed = false
    }

    private let state: Mutex<State>

    /// Makes streams over a bus that is `isConnected` from the start or not.
    package init(isConnected: Bool) {
        state = Mutex(State(isConnected: isConnected))
    }

    /// A stream of the hints to come; it begins with `.reconnected` as soon as the bus is connected.
    package func subscribe() -> AsyncStream<LogHint> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LogHint.self, bufferingPolicy: .bufferingNewest(LogHint.maximumWaiting))
        let id = state.withLock { state -> UInt64? in
            guard !state.isClosed else { return nil }
            if state.isConnected { continuation.yield(.reconnected) }
            state.next += 1
            state.streams[state.next] = continuation
            return state.next
        }
        if let id {
            continuation.onTermination = { [weak self] _ in
                _ = self?.state.withLock { $0.streams.removeValue(forKey: id) }
            }
        } else {
            continuation.finish()
        }
        return stream
    }

    /// Hands a hint to every subscriber.
    package func yield(_ hint: LogHint) {
        state.withLock { state in
            for continuation in state.streams.values { continuation.yield(hint) }
        }
    }

    /// Notes that the bus is connected, and tells every subscriber.
    package func connected() {
        state.withLock { state in
            state.isConnected = true
            for continuation in state.streams.values { continuation.yield(.reconnected) }
        }
    }

    /// Notes that the bus is cut.
    package func disconnected() {
        state.withLock { $0.isConnected = false }
    }

    /// Ends all streams and those to come.
    package func finish() {
        let streams = state.withLock { state in
            state.isClosed = true
            defer { state.streams = [:] }
            return state.streams
        }
        for continuation in streams.values { continuation.finish() }
    }
}

/// Hints inside one process, for a store that no other process writes to.
package final class InProcessSignals: LogSignals {
    private let streams = LogHintStreams(isConnected: true)

    package init() {}

    package func publish(_ news: LogNews) { streams.yield(.news(news)) }
    package func subscribe() -> AsyncStream<LogHint> { streams.subscribe() }
    package func close() async { streams.finish() }
}

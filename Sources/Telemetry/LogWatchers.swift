// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// A message of the log for who watches it; secrets are taken out already.
package struct WatchedLogRecord: Sendable, Equatable {
    /// As RFC 3339 writes it, in UTC.
    package var time: String
    package var level: LogLevel
    /// The name of the logger.
    package var logger: String
    /// Module and file, such as `Transport.Listener`.
    package var module: String
    package var function: String
    package var line: Int
    package var message: String
    package var metadata: [String: String]

    init(_ record: LogRecord) {
        time = CalendarTime(record.time, isUTC: true).internetTime
        level = record.level
        logger = record.label
        module = record.module
        function = record.function
        line = Int(record.line)
        message = record.message
        metadata = record.metadata.mapValues { "\($0)" }
    }
}

/// Why a watch of the log cannot begin.
package enum LogWatchRefusal: Error {
    /// Too many watch already.
    case full
    /// The holder has as many watches as one may have.
    case holderHasEnough
}

/// Who watches the log of the running process, and the last messages for who begins to.
///
/// Everything is bounded: messages that come faster than a watcher reads them are dropped and counted, and one that
/// does not come back is forgotten.
final class LogWatchers: Sendable {
    private struct Watcher {
        var filter: LogFilter
        var holder: String?
        var records: [LogRecord] = []
        var dropped = 0
        /// When it is forgotten.
        var end: ContinuousClock.Instant
    }

    private struct State {
        var watchers: [UInt64: Watcher] = [:]
        var lastWatcher: UInt64 = 0
        /// The last messages of the log, as a ring.
        var history: [LogRecord] = []
        var next = 0

        mutating func remember(_ record: LogRecord) {
            if history.count < LogWatchers.historyRecords {
                history.append(record)
            } else {
                history[next] = record
                next = (next + 1) % history.count
            }
        }

        /// In the order in which they came.
        var remembered: [LogRecord] { Array(history[next...] + history[..<next]) }
    }

    private static let historyRecords = 500
    private static let maximumWatchers = 16
    /// Of one holder, and of all holders together: what has none, has the rest for itself.
    private static let maximumOfOne = 4
    private static let maximumHeld = 8
    private static let maximumRecords = 1000
    private static let pageRecords = 200
    private static let lease = Duration.seconds(30)

    private let state = Mutex(State())

    /// Shows a message to who watches; `isLogged` says whether it also goes to the log itself.
    ///
    /// Returns whether a watcher was forgotten that did not come back.
    func note(_ record: LogRecord, isLogged: Bool, now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            if isLogged { state.remember(record) }
            guard !state.watchers.isEmpty else { return false }
            let count = state.watchers.count
            let now = now()
            state.watchers = state.watchers.filter { $0.value.end > now }
            for id in state.watchers.keys where state.watchers[id]?.filter.takes(record) == true {
                if state.watchers[id]?.records.count ?? 0 < Self.maximumRecords {
                    state.watchers[id]?.records.append(record)
                } else {
                    state.watchers[id]?.dropped += 1
                }
            }
            return state.watchers.count < count
        }
    }

    /// The least important level that is watched.
    var floor: LogLevel? { state.withLock { $0.watchers.values.map(\.filter.level).min() } }

    /// Begins to watch.
    ///
    /// - Returns: A name for the next reads, and the last messages of the log that the filter takes, `last` at most.
    func begin(
        _ filter: LogFilter, last: Int, for holder: String?, now: ContinuousClock.Instant
    ) throws(LogWatchRefusal) -> (id: UInt64, records: [WatchedLogRecord]) {
        try state.withLock { state throws(LogWatchRefusal) in
            state.watchers = state.watchers.filter { $0.value.end > now }
            guard state.watchers.count < Self.maximumWatchers else { throw .full }
            if let holder {
                let holders = state.watchers.values.compactMap(\.holder)
                guard holders.count(where: { $0 == holder }) < Self.maximumOfOne else { throw .holderHasEnough }
                guard holders.count < Self.maximumHeld else { throw .full }
            }
            state.lastWatcher += 1
            state.watchers[state.lastWatcher] = Watcher(
                filter: filter, holder: holder, end: now + Self.lease)
            let records = state.remembered.filter { filter.takes($0) }.suffix(max(0, last))
            return (state.lastWatcher, records.map { WatchedLogRecord($0) })
        }
    }

    /// What came since the last read, in order, and how much was dropped; `nil` for a watch that has ended or is
    /// another holder's.
    func read(
        _ id: UInt64, for holder: String?, now: ContinuousClock.Instant
    ) -> (records: [WatchedLogRecord], dropped: Int)? {
        let taken = state.withLock { state -> (records: [LogRecord], dropped: Int)? in
            guard var watcher = state.watchers[id], watcher.holder == holder else { return nil }
            watcher.end = now + Self.lease
            let records = Array(watcher.records.prefix(Self.pageRecords))
            watcher.records.removeFirst(records.count)
            // What was dropped came after what is left.
            let dropped = watcher.records.isEmpty ? watcher.dropped : 0
            watcher.dropped -= dropped
            state.watchers[id] = watcher
            return (records, dropped)
        }
        return taken.map { ($0.records.map { WatchedLogRecord($0) }, $0.dropped) }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What an operator changes and sees of the log while the process runs.
extension LogSink {
    /// From which level on messages are logged now.
    package var levels: LogLevels { rules.withLock { $0 } }

    /// Gives a module a level of its own, until the process ends; `nil` takes it away.
    ///
    /// - Returns: Whether the name can be one of a module, and not too many have their own.
    package func setLevel(_ level: LogLevel?, of module: String) -> Bool {
        defer { updateFloor() }
        return rules.withLock { $0.set(level, of: module) }
    }

    /// Changes the level of modules that have none of their own, until the settings are read again.
    package func setLevel(_ level: LogLevel) {
        rules.withLock { $0.level = level }
        updateFloor()
    }

    /// Begins to watch the log: what the filter takes is kept for `readWatched`, whatever goes to the log's own
    /// outputs.
    ///
    /// A holder has a few watches at most, and all holders together leave some to what has none.
    ///
    /// - Returns: A name for the reads, and the last messages of the log.
    package func beginWatching(
        _ filter: LogFilter, last: Int, for holder: String? = nil
    ) throws(LogWatchRefusal) -> (id: UInt64, records: [WatchedLogRecord]) {
        defer { updateFloor() }
        return try watchers.begin(filter, last: last, for: holder, now: instant())
    }

    /// What came since the last read, and how many messages were dropped; `nil` for a watch that was not read for half
    /// a minute, or is another holder's.
    package func readWatched(
        _ id: UInt64, for holder: String? = nil
    ) -> (records: [WatchedLogRecord], dropped: Int)? {
        watchers.read(id, for: holder, now: instant())
    }

    /// Loggers ask this before they make a message at all.
    func updateFloor() {
        let floor = min(rules.withLock { $0.floor }, watchers.floor ?? .critical)
        self.floor.store(floor.rawValue, ordering: .relaxed)
    }
}

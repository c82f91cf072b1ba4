// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Synchronization

/// The process's logging.
package enum Telemetry {
    private struct State {
        var sink: LogSink?
        var isInstalled = false
    }

    private static let state = Mutex(State())

    /// Opens the log and makes it the one that new loggers write to.
    ///
    /// What is still queued is written when the process exits.
    ///
    /// May be called again, for instance once the settings are read: loggers made from then on use the new log, older
    /// ones stay with theirs.
    ///
    /// - Throws: `LogError`, which names the folder or file that cannot be written; then nothing has changed.
    @discardableResult
    package static func bootstrap(_ configuration: LogConfiguration) throws(LogError) -> LogSink {
        let sink = try LogSink(configuration)
        let isFirst = state.withLock { state in
            defer { state.isInstalled = true }
            state.sink = sink
            return !state.isInstalled
        }
        guard isFirst else { return sink }
        LoggingSystem.bootstrap(
            { label, provider in
                guard let sink = Telemetry.state.withLock({ $0.sink }) else { return SwiftLogNoOpLogHandler(label) }
                return ParleyLogHandler(label: label, sink: sink, metadataProvider: provider)
            }, metadataProvider: nil)
        atexit {
            _ = Telemetry.state.withLock { $0.sink }?.flush(timeout: .seconds(5))
        }
        return sink
    }

    /// Waits until everything that was logged before is written, at most `timeout`.
    package static func flush(timeout: Duration) {
        _ = state.withLock { $0.sink }?.flush(timeout: timeout)
    }

    /// Whether `descriptor` is the stream to systemd's journal that the environment variable `JOURNAL_STREAM` names.
    package static func isJournal(descriptor: Int32 = 2, stream: String?) -> Bool {
        var status = stat()
        guard let stream, fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Whether text for people on `descriptor` should have colours: it is a terminal, and `NO_COLOR` is not set.
    ///
    /// `noColor` is the value of the environment variable of that name.
    package static func wantsColours(descriptor: Int32 = 2, noColor: String?) -> Bool {
        (noColor ?? "").isEmpty && isatty(descriptor) == 1
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization

/// Keeps what is logged, each entry as `level message key=value`, the keys in order.
package final class LogCapture: Sendable {
    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            capture.state.withLock { $0.append("\(event.level) \(event.message)\(details.joined())") }
        }
    }

    private let state = Mutex<[String]>([])

    package init() {}

    package var lines: [String] { state.withLock { $0 } }

    /// A logger whose entries of this level and above are kept.
    package func logger(_ level: Logger.Level) -> Logger {
        Logger(label: "test") { _ in Handler(capture: self, logLevel: level) }
    }
}

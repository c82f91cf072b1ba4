// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Logging

/// swift-log's way into a `LogSink`: joins the metadata, takes secrets out and hands the message over.
package struct ParleyLogHandler: LogHandler {
    /// The least important level of this logger: the sink's at any time, unless it was given one of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? sink.level.loggerLevel }
        set { ownLevel = newValue }
    }
    /// What this logger adds to every message.
    package var metadata: Logger.Metadata = [:]
    /// What the task adds to every message.
    package var metadataProvider: Logger.MetadataProvider?

    private var ownLevel: Logger.Level?
    private let label: String
    private let sink: LogSink

    package init(label: String, sink: LogSink, metadataProvider: Logger.MetadataProvider? = nil) {
        self.label = label
        self.sink = sink
        self.metadataProvider = metadataProvider
    }

    /// One value of the logger's metadata.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Hands a message to the sink.
    ///
    /// Values of keys such as `password` or `token` never get that far.
    package func log(event: LogEvent) {
        var joined = metadata
        if let provided = metadataProvider?.get() { joined.merge(provided) { $1 } }
        if let given = event.metadata { joined.merge(given) { $1 } }
        if let error = event.error { joined["error"] = "\(error)" }
        sink.submit(
            level: LogLevel(event.level), label: label, message: event.message.description,
            metadata: joined.isEmpty ? joined : LogMetadata.cleaned(joined), source: event.source, file: event.file,
            function: event.function, line: event.line, isWanted: ownLevel != nil)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging

/// The log of a command that works on the store itself: errors go to stderr, where the person is who must act on them.
struct StandardErrorLogHandler: LogHandler {
    var metadata: Logging.Logger.Metadata = [:]
    var logLevel: Logging.Logger.Level = .error
    private let output: TextOutput

    init(output: TextOutput) {
        self.output = output
    }

    subscript(metadataKey key: String) -> Logging.Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let text = details.map { " \($0.key)=\($0.value)" }.joined()
        // There is nobody left to tell when stderr cannot be written.
        try? output.write("\(event.level): \(event.message)\(text)".escapedForTerminal(lineBreaks: false) + "\n")
    }

    /// A logger that writes to the command's stderr.
    static func logger(_ context: CommandContext) -> Logger {
        Logger(label: "parley.manage") { _ in StandardErrorLogHandler(output: context.standardError) }
    }
}

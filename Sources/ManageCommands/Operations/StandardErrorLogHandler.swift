// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Settings

/// The log of a command that works on the store itself: details on stderr for the person who asks for them.
///
/// Why a command failed is told by its error; the log adds what the database said, for `[LOGGING] LEVEL = debug`.
struct StandardErrorLogHandler: LogHandler {
    var metadata: Logging.Logger.Metadata = [:]
    var logLevel: Logging.Logger.Level = .debug
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
        // A failure to write to stderr cannot be reported.
        try? output.write("\(event.level): \(event.message)\(text)".escapedForTerminal(lineBreaks: false) + "\n")
    }

    /// A logger that writes to the command's stderr, if the settings ask for details.
    static func logger(_ context: CommandContext, for settings: Settings) -> Logger {
        guard settings.logging.level <= debugLevel else {
            return Logger(label: "parley.manage") { _ in SwiftLogNoOpLogHandler() }
        }
        return Logger(label: "parley.manage") { _ in StandardErrorLogHandler(output: context.standardError) }
    }

    /// The number that `[LOGGING] LEVEL` has for debug.
    private static let debugLevel = 10
}

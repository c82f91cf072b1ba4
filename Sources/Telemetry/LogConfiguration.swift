// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// How and where the log is written.
package struct LogConfiguration: Sendable {
    /// How a line looks.
    package enum Format: String, Sendable, CaseIterable {
        /// The template for people.
        case text
        /// One JSON object per line, for programs.
        case json
        /// `key=value` pairs, for programs that read lines.
        case logfmt
    }

    /// The least important level that is written (default: info).
    package var level: LogLevel
    /// Folder of `error.log` and `debug.log`; created when missing.
    ///
    /// `nil`: no files.
    package var folder: String?
    /// Days after which a closed `error.log` is deleted (default 3); `nil`: never.
    package var errorDays: Int?
    /// Days after which a closed `debug.log` is deleted (default 3); `nil`: never.
    package var debugDays: Int?
    /// Format of messages at warning and above, on the console and in files.
    package var errorTemplate: LogFormatTemplate
    /// Format of messages at debug and trace.
    package var debugTemplate: LogFormatTemplate
    /// Format of messages at info and success.
    package var infoTemplate: LogFormatTemplate
    /// Text by the templates, JSON or logfmt (default: text).
    package var format: Format
    /// Whether the console gets colours (default: no).
    ///
    /// Files never do.
    package var colours: Bool
    /// Whether anything goes to the console (default: yes).
    package var console: Bool
    /// File descriptor of the console (default: 2, stderr).
    package var consoleDescriptor: Int32
    /// Whether lines on the console begin with their priority, as the journal reads it: `<3>` (default: no).
    package var marksPriorities: Bool
    /// Size at which a file is closed, renamed and a new one begun (default 10,000,000 bytes).
    package var maximumFileBytes: Int
    /// Messages that may wait for the writer before trace and debug messages are dropped (default 8,192).
    ///
    /// Messages up to warning may fill it twice, errors four times.
    package var queueCapacity: Int
    /// Whether templates show UTC in place of local time (default: no).
    ///
    /// JSON and logfmt always have UTC.
    package var usesUTC: Bool
    /// The wall clock.
    package var now: @Sendable () -> LogTime
    /// The monotonic clock, with which durations are measured.
    package var instant: @Sendable () -> ContinuousClock.Instant

    /// The defaults: info and above to stderr, no files.
    package init() {
        level = .info
        folder = nil
        errorDays = 3
        debugDays = 3
        errorTemplate = LogFormatTemplate(Self.defaultErrorFormat)
        debugTemplate = LogFormatTemplate(Self.defaultDebugFormat)
        infoTemplate = LogFormatTemplate(Self.defaultInfoFormat)
        format = .text
        colours = false
        console = true
        consoleDescriptor = 2
        marksPriorities = false
        maximumFileBytes = 10_000_000
        queueCapacity = 8192
        usesUTC = false
        now = { LogTime.now() }
        instant = { .now }
    }

    /// The format of messages at a level.
    func template(for level: LogLevel) -> LogFormatTemplate {
        switch level {
        case .trace, .debug: debugTemplate
        case .info, .success: infoTemplate
        case .warning, .error, .critical: errorTemplate
        }
    }

    /// Format of debug messages unless the settings say otherwise.
    package static let defaultDebugFormat =
        "[<b>{time:DD.MM.YYYY HH:mm:ss}</>] [<g>{level}</>] {module} | {function} | line:{line: >3} | {message}"
    /// Format of warnings and errors unless the settings say otherwise.
    package static let defaultErrorFormat =
        "[<b>{time:DD.MM.YYYY HH:mm:ss}</>] [<r>{level}</>] {module} | {function} | line:{line: >3} | {message}"
    /// Format of other messages unless the settings say otherwise.
    package static let defaultInfoFormat = "[<b>{time:DD.MM.YYYY HH:mm:ss}</>] [<level>{level}</>] {message}"
}

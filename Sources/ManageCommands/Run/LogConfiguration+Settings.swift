// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Settings
package import Telemetry

/// The log of a server: the settings, which contain the options' level and format already, and the options' colours.
///
/// - Parameters:
///   - settings: Level, folder, format, templates and days.
///   - options: Whether the console is coloured.
///   - environment: `NO_COLOR` and `TERM` decide when the options do not.
/// - Returns: What `Telemetry.bootstrap` takes, which makes the folder; its `LogError` names it and ends a command
///   with 78.
package func logConfiguration(
    for settings: Settings, options: RunOptions, environment: [String: String] = CommandContext.current.environment
) -> LogConfiguration {
    let logging = settings.logging
    var configuration = LogConfiguration()
    if let level = LogLevel(rawValue: logging.level) { configuration.level = level }
    configuration.folder = logging.folder
    configuration.errorDays = wholeDays(logging.expiration)
    configuration.debugDays = wholeDays(logging.debugExpiration)
    configuration.errorTemplate = LogFormatTemplate(logging.errorTemplate)
    configuration.debugTemplate = LogFormatTemplate(logging.debugTemplate)
    configuration.infoTemplate = LogFormatTemplate(logging.infoTemplate)
    configuration.format = LogConfiguration.Format(rawValue: logging.format.rawValue) ?? .text
    configuration.marksPriorities = Telemetry.isJournal(
        descriptor: configuration.consoleDescriptor, stream: environment["JOURNAL_STREAM"])
    let isPlainTerminal = environment["TERM"] == "dumb"
    configuration.colours =
        options.wantsColors
        ?? (!isPlainTerminal
            && Telemetry.wantsColours(
                descriptor: configuration.consoleDescriptor, noColor: environment["NO_COLOR"]))
    return configuration
}

/// Days, rounded up: files are looked after by the day.
private func wholeDays(_ duration: Duration) -> Int {
    Int((duration.components.seconds + 86_399) / 86_400)
}

extension LogError: CommandErrorConvertible {
    /// Ends with 78; the words name the folder or file.
    var commandError: CommandError { CommandError(.settings, description) }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import TestSupport
import Testing

@testable import Telemetry

/// A log in a folder of the test's own.
protocol LogFixture {
    var folder: TemporaryFolder { get }
    var clock: ManualClock { get }
}

extension LogFixture {
    /// Files in the test's folder, a console that is the file `console`, messages only in the templates.
    func configuration(_ level: LogLevel = .info) throws -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.level = level
        configuration.folder = folder.path("log")
        configuration.consoleDescriptor = open(folder.path("console"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        try #require(configuration.consoleDescriptor >= 0)
        configuration.usesUTC = true
        configuration.errorTemplate = LogFormatTemplate("{level} {message}")
        configuration.debugTemplate = LogFormatTemplate("{level} {message}")
        configuration.infoTemplate = LogFormatTemplate("{level} {message}")
        configuration.instant = { [clock] in clock.now }
        configuration.now = { [clock] in
            LogTime(seconds: 1_772_323_445 + Int(clock.elapsed.components.seconds))
        }
        return configuration
    }

    func logger(_ sink: LogSink, level: Logger.Level? = nil) -> Logger {
        var logger = Logger(label: "parley.test") { ParleyLogHandler(label: $0, sink: sink) }
        if let level { logger.logLevel = level }
        return logger
    }
}

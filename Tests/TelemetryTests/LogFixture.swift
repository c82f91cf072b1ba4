// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Telemetry

/// A clock that the test moves.
final class TestClock: Sendable {
    private let time: Mutex<LogTime>

    init(seconds: Int = 1_772_323_445) { time = Mutex(LogTime(seconds: seconds)) }

    func advance(days: Int) { time.withLock { $0.seconds += days * 86400 } }
    func now() -> LogTime { time.withLock { $0 } }
}

/// A log in a folder of the test's own.
protocol LogFixture {
    var folder: TemporaryFolder { get }
    var clock: TestClock { get }
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
        configuration.now = { [clock] in clock.now() }
        return configuration
    }

    func logger(_ sink: LogSink, level: Logger.Level? = nil) -> Logger {
        var logger = Logger(label: "parley.test") { ParleyLogHandler(label: $0, sink: sink) }
        if let level { logger.logLevel = level }
        return logger
    }
}

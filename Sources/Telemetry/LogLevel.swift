// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Logging

/// How important a message is, with the numbers of the reference server.
package enum LogLevel: Int, Hashable, Sendable, CaseIterable {
    /// Every step; number 5.
    case trace = 5
    /// What helps to find a fault; number 10.
    case debug = 10
    /// Normal events; number 20.
    case info = 20
    /// Something that was hoped for came about; number 25, swift-log's `notice`.
    case success = 25
    /// Something odd that needs no action yet; number 30.
    case warning = 30
    /// An operator must act; number 40.
    case error = 40
    /// The server cannot go on; number 50.
    case critical = 50

    /// Reads a number from 0 to 50 or a name in any case.
    ///
    /// A number between two levels means the next one above it: with 15, messages of level 20 and more are written. The
    /// names `warn`, `fatal` and `notice` are understood as well. `nil` for anything else.
    package init?(_ text: String) {
        // Length and ASCII first: no text from outside makes the comparisons slow.
        guard text.utf8.count <= 16, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        if let number = Int(text) {
            guard (0...50).contains(number), let level = Self.allCases.first(where: { $0.rawValue >= number }) else {
                return nil
            }
            self = level
            return
        }
        switch text.lowercased() {
        case "trace": self = .trace
        case "debug": self = .debug
        case "info": self = .info
        case "success", "notice": self = .success
        case "warning", "warn": self = .warning
        case "error": self = .error
        case "critical", "fatal": self = .critical
        default: return nil
        }
    }

    /// The level that stands for swift-log's.
    package init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .success
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }

    /// The level for swift-log's loggers.
    package var loggerLevel: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .success: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }

    /// The priority as systemd's journal reads it in front of a line: `<3>` for an error.
    package var journalMark: [UInt8] {
        let priority =
            switch self {
            case .trace, .debug: 7
            case .info: 6
            case .success: 5
            case .warning: 4
            case .error: 3
            case .critical: 2
            }
        return Array("<\(priority)>".utf8)
    }

    /// The name in log lines, in capitals.
    package var name: String {
        switch self {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO"
        case .success: "SUCCESS"
        case .warning: "WARNING"
        case .error: "ERROR"
        case .critical: "CRITICAL"
        }
    }
}

extension LogLevel: Comparable {
    /// Orders by importance.
    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The type of a setting, with its range and unit.
///
/// Values are written as text and read by `parse(_:folder:)`.
package enum SettingKind: Sendable, Hashable {
    /// Any text.
    case text
    /// Text of one line, without control characters, that is not empty.
    case line(maximumCharacters: Int)
    /// A host name or an address to listen on.
    case host
    /// A host and a port in a range: `HOST:PORT`, `[IPv6]:PORT`.
    case address(ports: ClosedRange<Int>)
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A number of bytes in a range: `16 MiB`, `256K`; a plain number counts bytes.
    case size(ClosedRange<Int>)
    /// A span of time: `30d`, `5m`, `250ms`; a plain number counts the unit that is given here. The range is in
    /// seconds.
    case duration(TimeUnit, ClosedRange<Int>)
    /// `yes`, `no`, `on`, `off`, `true`, `false`, `1` or `0`.
    case boolean
    /// One of some words, without regard to case.
    case choice([String])
    /// A log level by name or number.
    case logLevel
    /// A file or folder; relative ones count from the folder of the settings file.
    case path
    /// A version such as `1.0`.
    case version
    /// The address of a database.
    case databaseURI
    /// IP addresses and networks, separated by commas.
    case ranges
    /// Origins of web pages, separated by commas.
    case origins
    /// A rate such as `600/m burst 100`, or `off`.
    case rate
    /// When something is done, such as `daily 03:30`.
    case schedule

    /// A unit of time in which plain numbers count.
    package enum TimeUnit: Int, Sendable, CaseIterable {
        case seconds = 1
        case minutes = 60
        case hours = 3600
        case days = 86400
        case weeks = 604_800

        /// The letter that stands after a number.
        package var letter: String {
            switch self {
            case .seconds: "s"
            case .minutes: "m"
            case .hours: "h"
            case .days: "d"
            case .weeks: "w"
            }
        }

        /// The unit's name in documentation.
        package var plural: String {
            switch self {
            case .seconds: "seconds"
            case .minutes: "minutes"
            case .hours: "hours"
            case .days: "days"
            case .weeks: "weeks"
            }
        }
    }

    /// The log levels by name, the most severe first.
    package static let logLevels: [(name: String, number: Int)] = [
        ("CRITICAL", 50), ("ERROR", 40), ("WARNING", 30), ("SUCCESS", 25), ("INFO", 20), ("DEBUG", 10), ("TRACE", 5),
    ]

    /// Reads a boolean as configparser does.
    package static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "yes", "on", "true", "1": true
        case "no", "off", "false", "0": false
        default: nil
        }
    }

    /// Reads a number of bytes such as `16 MiB`.
    ///
    /// `K`, `M` and `G` (also `KiB` …) are powers of 1024, `kB` … of 1000.
    package static func size(_ text: String) -> Int? {
        guard let (number, unit) = numberAndUnit(text) else { return nil }
        let factor: Int? =
            switch unit.lowercased() {
            case "", "b": 1
            case "k", "ki", "kib": 1 << 10
            case "m", "mi", "mib": 1 << 20
            case "g", "gi", "gib": 1 << 30
            case "kb": 1_000
            case "mb": 1_000_000
            case "gb": 1_000_000_000
            default: nil
            }
        return factor.flatMap { product(number, $0) }
    }

    /// Reads a span of time such as `30d` as milliseconds.
    package static func milliseconds(_ text: String, plainUnit: TimeUnit) -> Int? {
        guard let (number, unit) = numberAndUnit(text) else { return nil }
        if unit == "ms" { return number }
        let factor = unit.isEmpty ? plainUnit : TimeUnit.allCases.first { $0.letter == unit }
        return factor.flatMap { product(number, $0.rawValue * 1000) }
    }

    private static func numberAndUnit(_ text: String) -> (Int, String)? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int(Substring(digits)) else { return nil }
        let rest = Array(text.utf8.dropFirst(digits.count))[...].trimmingBlanks()
        return (number, String(decoding: rest, as: UTF8.self))
    }

    private static func product(_ left: Int, _ right: Int) -> Int? {
        let (result, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? nil : result
    }
}

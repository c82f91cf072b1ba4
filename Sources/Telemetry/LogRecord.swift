// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging

/// One message on its way from the logger to the outputs, with its metadata cleaned.
struct LogRecord: Sendable {
    var time: LogTime
    var level: LogLevel
    var label: String
    var message: String
    var metadata: Logger.Metadata
    /// The Swift module.
    var source: String
    /// The path or file identifier that the compiler gave.
    var file: String
    var function: String
    var line: UInt

    /// `Listener.swift` of `Transport/Listener.swift`.
    var fileName: Substring { file[(file.lastIndex(of: "/").map(file.index(after:)) ?? file.startIndex)...] }

    /// Module and file, such as `Transport.Listener`: the line number counts in it.
    var module: String {
        let name = fileName.hasSuffix(".swift") ? fileName.dropLast(6) : fileName
        return name.isEmpty ? source : "\(source).\(name)"
    }

    /// Appends the record as one JSON object, without the line's end.
    func appendJSON(to line: inout [UInt8]) {
        line.append(contentsOf: #"{"time":""#.utf8)
        line.append(contentsOf: CalendarTime(time, isUTC: true).internetTime.utf8)
        line.append(contentsOf: #"","level":""#.utf8)
        line.append(contentsOf: level.name.utf8)
        line.append(contentsOf: #"","logger":"#.utf8)
        LogText.appendJSON(label, to: &line)
        line.append(contentsOf: #","module":"#.utf8)
        LogText.appendJSON(module, to: &line)
        line.append(contentsOf: #","function":"#.utf8)
        LogText.appendJSON(function, to: &line)
        line.append(contentsOf: #","line":"#.utf8)
        line.append(contentsOf: String(self.line).utf8)
        line.append(contentsOf: #","message":"#.utf8)
        LogText.appendJSON(message, to: &line)
        line.append(contentsOf: #","metadata":"#.utf8)
        LogMetadata.appendJSON(metadata, to: &line)
        line.append(UInt8(ascii: "}"))
    }

    /// Appends the record as `key=value` pairs with the keys of JSON, those of the metadata last.
    func appendLogfmt(to line: inout [UInt8]) {
        line.append(contentsOf: "time=\(CalendarTime(time, isUTC: true).internetTime) level=\(level.name)".utf8)
        for (key, value) in [
            ("logger", label), ("module", module), ("function", function), ("line", String(self.line)),
            ("message", message),
        ] {
            line.append(contentsOf: " \(key)=".utf8)
            LogMetadata.appendQuoted(value, to: &line)
        }
        LogMetadata.appendLogfmt(metadata, to: &line)
    }
}

/// The calendar times of a record, each computed when a template first asks for it and kept for the next record of the
/// same moment.
struct LogCalendar: Sendable {
    private var local: CalendarTime?
    private var utc: CalendarTime?
    /// Whether templates show UTC in place of local time.
    private let alwaysUTC: Bool

    init(alwaysUTC: Bool) {
        self.alwaysUTC = alwaysUTC
    }

    mutating func time(_ moment: LogTime, isUTC: Bool) -> CalendarTime {
        if isUTC || alwaysUTC {
            if let utc, utc.moment == moment { return utc }
            let time = CalendarTime(moment, isUTC: true)
            utc = time
            return time
        }
        if let local, local.moment == moment { return local }
        let time = CalendarTime(moment, isUTC: false)
        local = time
        return time
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The format of a log line in the language of the reference server's `[LOGGING]` section, read once.
///
/// Fields stand in braces: `{time:DD.MM.YYYY HH:mm:ss}`, `{level}`, `{module}`, `{function}`, `{line}`, `{message}`,
/// and also `{name}` (the logger), `{file}`, `{process}`. After a colon follows Python's alignment, such as
/// `{level: <8}`. `{{` and `}}` are braces. Colour tags are `<b>`, `<g>`, `<RED>`, `<level>`, `<fg #f00>`, … closed by
/// `</>` or by name, and a backslash before a tag prints it. Reading never fails: what cannot be understood is printed
/// as it is, and `findings` says so.
package struct LogFormatTemplate: Sendable {
    enum Field: Sendable {
        case level, levelNumber, module, function, line, message, name, file, process
        case time(LogTimeFormat)
    }

    /// Python's `[[fill]align][0][width][.precision]`.
    struct Alignment: Hashable, Sendable {
        enum Side: UInt8 {
            case left = 0x3C
            case right = 0x3E
            case centre = 0x5E
        }
        var fill: Character = " "
        var side: Side?
        var width = 0
        var precision: Int?

        static let none = Alignment()
    }

    enum Segment: Sendable {
        case literal([UInt8])
        case field(Field, Alignment)
        case style(LogMarkup.Style)
        /// Ends the innermost style; the outer ones are switched on again.
        case endStyle(outer: [LogMarkup.Style])
    }

    /// The template's text.
    package let text: String
    /// What could not be understood, a sentence each.
    package let findings: [String]
    private let segments: [Segment]

    /// Reads a template.
    package init(_ text: String) {
        var parser = LogFormatParser(text)
        parser.parse()
        self.text = text
        segments = parser.segments
        findings = parser.findings
    }

    func append(
        _ record: LogRecord, calendar: inout LogCalendar, colours: Bool, to line: inout [UInt8]
    ) {
        for segment in segments {
            switch segment {
            case .literal(let bytes): line.append(contentsOf: bytes)
            case .field(.message, .none): LogText.appendEscaped(record.message, to: &line)
            case .field(let field, let alignment):
                LogText.appendEscaped(
                    Self.aligned(Self.value(of: field, in: record, calendar: &calendar), alignment, field), to: &line)
            case .style(let style):
                if colours { line.append(contentsOf: Self.codes(style, record).utf8) }
            case .endStyle(let outer):
                guard colours else { continue }
                line.append(contentsOf: LogMarkup.reset.utf8)
                for style in outer { line.append(contentsOf: Self.codes(style, record).utf8) }
            }
        }
    }

    private static func codes(_ style: LogMarkup.Style, _ record: LogRecord) -> String {
        switch style {
        case .codes(let codes): codes
        case .level: LogMarkup.codes(for: record.level)
        }
    }

    private static func value(of field: Field, in record: LogRecord, calendar: inout LogCalendar) -> String {
        switch field {
        case .level: record.level.name
        case .levelNumber: String(record.level.rawValue)
        case .module: record.module
        case .function: record.function
        case .line: String(record.line)
        case .message: record.message
        case .name: record.label
        case .file: String(record.fileName)
        case .process: String(getpid())
        case .time(let format): format.text(calendar.time(record.time, isUTC: format.isUTC))
        }
    }

    private static func aligned(_ value: String, _ alignment: Alignment, _ field: Field) -> String {
        guard alignment != .none else { return value }
        var value = value
        if let precision = alignment.precision { value = String(value.prefix(precision)) }
        let missing = alignment.width - value.unicodeScalars.count
        guard missing > 0 else { return value }
        let isNumber =
            switch field {
            case .line, .levelNumber, .process: true
            default: false
            }
        let left =
            switch alignment.side ?? (isNumber ? .right : .left) {
            case .left: 0
            case .right: missing
            case .centre: missing / 2
            }
        return String(repeating: alignment.fill, count: left) + value
            + String(repeating: alignment.fill, count: missing - left)
    }
}

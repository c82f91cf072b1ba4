// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Reads the text of a `LogFormatTemplate` from left to right.
struct LogFormatParser {
    private(set) var segments: [LogFormatTemplate.Segment] = []
    private(set) var findings: [String] = []
    private var rest: ArraySlice<UInt8>
    private var literal: [UInt8] = []
    private var openTags: [(name: String, style: LogMarkup.Style)] = []

    private static let maximumBytes = 4096
    private static let maximumWidth = 256

    init(_ text: String) {
        rest = Array(text.utf8)[...]
        if rest.count > Self.maximumBytes {
            findings.append("The format has more than \(Self.maximumBytes) bytes; the rest is left out.")
            rest = rest.prefix(Self.maximumBytes)
        }
    }

    mutating func parse() {
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "{"): openBrace()
            case UInt8(ascii: "}"): closeBrace()
            case UInt8(ascii: "\\"): backslashes()
            case UInt8(ascii: "<"): angle()
            default: take(1)
            }
        }
        if let name = openTags.last?.name {
            findings.append("The colour tag '<\(name)>' is not closed; the line's end closes it.")
            finishLiteral()
            segments.append(.endStyle(outer: []))
        }
        finishLiteral()
    }

    /// Moves that many bytes into the text that is printed as it is.
    private mutating func take(_ count: Int) {
        literal += rest.prefix(count)
        rest = rest.dropFirst(count)
    }

    private mutating func finishLiteral() {
        guard !literal.isEmpty else { return }
        // A line of the log is one line, whatever the settings file says.
        var escaped: [UInt8] = []
        LogText.appendEscaped(String(decoding: literal, as: UTF8.self), to: &escaped)
        segments.append(.literal(escaped))
        literal = []
    }

    private mutating func openBrace() {
        let inside = rest.dropFirst()
        if inside.first == UInt8(ascii: "{") {
            literal.append(UInt8(ascii: "{"))
            rest = inside.dropFirst()
            return
        }
        guard let end = inside.firstIndex(of: UInt8(ascii: "}")) else {
            findings.append("A brace is not closed; write '{{' to print one.")
            take(1)
            return
        }
        let content = String(decoding: inside[..<end], as: UTF8.self)
        if let (field, alignment) = field(content) {
            finishLiteral()
            segments.append(.field(field, alignment))
            rest = rest[(end + 1)...]
        } else {
            take(end + 1 - rest.startIndex)
        }
    }

    private mutating func closeBrace() {
        let isDouble = rest.dropFirst().first == UInt8(ascii: "}")
        if !isDouble { findings.append("A '}' closes nothing; write '}}' to print one.") }
        literal.append(UInt8(ascii: "}"))
        rest = rest.dropFirst(isDouble ? 2 : 1)
    }

    /// Backslashes before a tag: each pair prints one, an odd one prints the tag.
    private mutating func backslashes() {
        let count = rest.prefix { $0 == UInt8(ascii: "\\") }.count
        guard let (_, length) = LogMarkup.tag(at: rest.dropFirst(count)) else {
            take(count)
            return
        }
        literal += rest.prefix(count / 2)
        rest = rest.dropFirst(count)
        if count.isMultiple(of: 2) { angle() } else { take(length) }
    }

    private mutating func angle() {
        guard let (tag, length) = LogMarkup.tag(at: rest) else {
            take(1)
            return
        }
        switch tag {
        case .unknown(let name):
            findings.append("'<\(name)>' is no colour; it is printed as it is.")
            take(length)
        case .opening(let name, let style):
            finishLiteral()
            segments.append(.style(style))
            openTags.append((name, style))
            rest = rest.dropFirst(length)
        case .closing(let name):
            guard let innermost = openTags.last, name.isEmpty || name == innermost.name else {
                findings.append("'</\(name)>' does not close the tag before it; it is printed as it is.")
                take(length)
                return
            }
            openTags.removeLast()
            finishLiteral()
            segments.append(.endStyle(outer: openTags.map(\.style)))
            rest = rest.dropFirst(length)
        }
    }

    /// The field that the text between braces means; `nil`, with a finding, when it means none.
    private mutating func field(_ content: String) -> (LogFormatTemplate.Field, LogFormatTemplate.Alignment)? {
        let colon = content.firstIndex(of: ":") ?? content.endIndex
        var name = content[..<colon]
        let specification = content[colon...].dropFirst()
        // Python's conversions change nothing here: every value is text.
        for conversion in ["!s", "!r", "!a"] where name.hasSuffix(conversion) { name = name.dropLast(2) }
        let field: LogFormatTemplate.Field
        switch name {
        case "time": return (.time(LogTimeFormat(String(specification), findings: &findings)), .none)
        case "level", "level.name": field = .level
        case "level.no": field = .levelNumber
        case "module": field = .module
        case "function": field = .function
        case "line": field = .line
        case "message": field = .message
        case "name": field = .name
        case "file", "file.name": field = .file
        case "process", "process.id": field = .process
        default:
            findings.append("'{\(content)}' is no field that is known here; it is printed as it is.")
            return nil
        }
        guard let alignment = Self.alignment(specification) else {
            findings.append("'\(specification)' is no alignment; '{\(content)}' is written without one.")
            return (field, .none)
        }
        return (field, alignment)
    }

    private static func alignment(_ text: Substring) -> LogFormatTemplate.Alignment? {
        var alignment = LogFormatTemplate.Alignment()
        var rest = Array(text)[...]
        func side(_ character: Character?) -> LogFormatTemplate.Alignment.Side? {
            character?.asciiValue.flatMap(LogFormatTemplate.Alignment.Side.init)
        }
        if let side = side(rest.dropFirst().first), let fill = rest.first {
            alignment.fill = fill
            alignment.side = side
            rest = rest.dropFirst(2)
        } else if let side = side(rest.first) {
            alignment.side = side
            rest = rest.dropFirst()
        }
        if rest.first == "0" {
            if alignment.side == nil { alignment.fill = "0" }
            rest = rest.dropFirst()
        }
        let width = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(width.count)
        if !width.isEmpty {
            guard let number = Int(String(width)), number <= maximumWidth else { return nil }
            alignment.width = number
        }
        if rest.first == "." {
            let precision = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(String(precision)) else { return nil }
            alignment.precision = number
            rest = rest.dropFirst(1 + precision.count)
        }
        if let type = rest.first, "sd".contains(type) { rest = rest.dropFirst() }
        return rest.isEmpty ? alignment : nil
    }
}

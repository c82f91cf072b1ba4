// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

/// Reads an INI document line by line.
///
/// It keeps what configparser keeps between lines: the section, the open entry and the indentation that a continuation
/// line has to exceed.
struct INIParser {
    var sections: [INIDocument.Section] = []
    var entries: [INIDocument.Entry] = []
    private var seenSections: Set<ExactText> = []
    private var seenKeys: Set<ININame> = []
    private var open: INIDocument.Entry?
    private var openLines: [String] = []
    private var indentation = 0

    mutating func read(_ bytes: ArraySlice<UInt8>, index: Int) throws(INIError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw INIError(line: index + 1, message: "the line is not valid UTF-8")
        }
        guard !bytes.contains(0) else { throw INIError(line: index + 1, message: "the line contains a NUL character") }
        let content = bytes.trimmingBlanks()
        guard let first = content.first else {
            if open != nil { openLines.append("") }
            return
        }
        if first == UInt8(ascii: "#") || first == UInt8(ascii: ";") { return }

        let depth = content.startIndex - bytes.startIndex
        if var entry = open, depth > indentation {
            openLines.append(String(decoding: content, as: UTF8.self))
            entry.lines = entry.lines.lowerBound..<(index + 1)
            open = entry
            return
        }
        finishEntry()
        indentation = depth
        if first == UInt8(ascii: "[") {
            try readHeader(content, line: index + 1)
        } else {
            try readEntry(bytes, content: content, index: index)
        }
    }

    /// Closes the entry whose continuation lines were being collected.
    mutating func finishEntry() {
        guard var entry = open else { return }
        while openLines.last?.isEmpty == true { openLines.removeLast() }
        entry.value = Self.unquoted(openLines.joined(separator: "\n"))
        entries.append(entry)
        open = nil
        openLines = []
    }

    private mutating func readHeader(_ content: ArraySlice<UInt8>, line: Int) throws(INIError) {
        guard let end = content.lastIndex(of: UInt8(ascii: "]")), end > content.startIndex + 1 else {
            throw INIError(line: line, message: "the section header has no name or no closing ']'")
        }
        let name = String(decoding: content[(content.startIndex + 1)..<end], as: UTF8.self)
        guard seenSections.insert(ExactText(name)).inserted || ExactText(name) == "DEFAULT" else {
            throw INIError(line: line, message: "the section [\(name.quotedForDisplay(quotes: false))] occurs twice")
        }
        sections.append(INIDocument.Section(name: name, line: line))
    }

    private mutating func readEntry(
        _ bytes: ArraySlice<UInt8>, content: ArraySlice<UInt8>, index: Int
    ) throws(INIError) {
        guard let section = sections.last else {
            throw INIError(line: index + 1, message: "there is no section header such as [SERVER] before this line")
        }
        guard let delimiter = content.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }) else {
            throw INIError(line: index + 1, message: "the line is neither 'KEY = value', nor a section, nor a comment")
        }
        let name = String(decoding: content[..<delimiter].trimmingBlanks(), as: UTF8.self)
        guard !name.isEmpty else { throw INIError(line: index + 1, message: "there is no key before the '='") }
        guard seenKeys.insert(ININame(writtenSection: section.name, key: name)).inserted else {
            throw INIError(
                line: index + 1,
                message:
                    "the key \(name.quotedForDisplay(quotes: false)) occurs twice in "
                    + "[\(section.name.quotedForDisplay(quotes: false))]"
            )
        }
        let value = content[(delimiter + 1)...].trimmingBlanks()
        let valueStart = value.isEmpty ? delimiter + 1 : value.startIndex
        open = INIDocument.Entry(
            section: section.name, name: name, value: "", line: index + 1, lines: index..<(index + 1),
            valueOffset: valueStart - bytes.startIndex, indentation: indentation
        )
        openLines = [String(decoding: value, as: UTF8.self)]
    }

    /// Takes one pair of quotes off a value that stands in quotes as a whole.
    private static func unquoted(_ value: String) -> String {
        let bytes = value.utf8
        guard bytes.count >= 2, let quote = bytes.first, bytes.last == quote,
            quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
        else { return value }
        let inner = bytes.dropFirst().dropLast()
        return inner.contains(quote) ? value : String(Substring(inner))
    }
}

extension ArraySlice<UInt8> {
    /// The slice without white space at either end.
    func trimmingBlanks() -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var slice = self
        while let byte = slice.first, isBlank(byte) { slice.removeFirst() }
        while let byte = slice.last, isBlank(byte) { slice.removeLast() }
        return slice
    }
}

extension String {
    /// The text for a message: at most 80 characters, control characters written as `\u{…}`.
    package func quotedForDisplay(quotes: Bool = true) -> String {
        let shown = String(String.UnicodeScalarView(unicodeScalars.prefix(80)))
        let text = TerminalText.escaped(shown, lineBreaks: false) + (unicodeScalars.dropFirst(80).isEmpty ? "" : "…")
        return quotes ? "'\(text)'" : text
    }
}

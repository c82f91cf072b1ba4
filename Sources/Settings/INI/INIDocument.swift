// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

/// A settings file in the INI dialect of Python's configparser, with line numbers, and editable in place.
///
/// Keys are separated from values by `=` or `:`, compare without case, and may be followed by more deeply indented
/// continuation lines. Comments are whole lines that begin with `#` or `;`. A value may stand in single or double
/// quotes. `%` has no meaning. Keys of `[DEFAULT]` stand in for missing keys of every other section.
package struct INIDocument: Sendable {
    /// The largest file that is read: 1 MiB.
    package static let maximumBytes = 1 << 20

    /// One key with its value.
    package struct Entry: Sendable, Equatable {
        /// The section's name as written.
        package var section: String
        /// The key as written.
        package var name: String
        /// The value without its quotes; lines are joined by `\n`.
        package var value: String
        /// The line of the key, from 1.
        package var line: Int
        /// The indices of the lines that the entry covers.
        var lines: Range<Int>
        /// Where the value starts in the first line, as an offset in bytes.
        var valueOffset: Int
        /// How many bytes of white space precede the key.
        var indentation: Int
    }

    /// One section header.
    package struct Section: Sendable, Equatable {
        /// The name as written.
        package var name: String
        /// The header's line, from 1.
        package var line: Int
    }

    struct Line: Sendable, Equatable {
        var bytes: ArraySlice<UInt8>
        var ending: ArraySlice<UInt8>
    }

    /// The section headers in the order of the file.
    package internal(set) var sections: [Section] = []
    /// The entries in the order of the file.
    package internal(set) var entries: [Entry] = []
    var lines: [Line] = []
    var hasByteOrderMark = false
    /// Where the entry of a name is among `entries`: with the section as written, and the first whatever its case.
    private var places: [ININame: Int] = [:]
    private var firstPlaces: [ININame: Int] = [:]
    /// The names of the sections in lower case.
    private var foldedSections: Set<ExactText> = []

    /// Reads a document.
    ///
    /// - Throws: `INIError` with the line that cannot be read.
    package init(bytes: [UInt8]) throws(INIError) {
        guard bytes.count <= Self.maximumBytes else {
            throw INIError(line: nil, message: "the file is larger than \(Self.maximumBytes) bytes")
        }
        hasByteOrderMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        lines = Self.split(hasByteOrderMark ? bytes[3...] : bytes[...])
        var parser = INIParser()
        for (index, line) in lines.enumerated() {
            try parser.read(line.bytes, index: index)
        }
        parser.finishEntry()
        sections = parser.sections
        entries = parser.entries
        foldedSections = Set(sections.map { ExactText($0.name.lowercased()) })
        for (place, entry) in entries.enumerated() {
            places[ININame(writtenSection: entry.section, key: entry.name)] = place
            let folded = ININame(section: entry.section, key: entry.name)
            if firstPlaces[folded] == nil { firstPlaces[folded] = place }
        }
    }

    /// Reads a document from text.
    package init(_ text: String) throws(INIError) {
        try self.init(bytes: Array(text.utf8))
    }

    /// The document's bytes as they would be written to a file.
    package var bytes: [UInt8] {
        var result: [UInt8] = hasByteOrderMark ? [0xEF, 0xBB, 0xBF] : []
        for line in lines {
            result += line.bytes
            result += line.ending
        }
        return result
    }

    /// The entry of a section under the first of `names` that it has.
    ///
    /// Sections and keys compare without case; a section whose spelling matches exactly goes before others.
    package func entry(section: String, names: [String]) -> Entry? {
        if let own = ownEntry(section: section, names: names) { return own }
        let folded = ExactText(section.lowercased())
        guard folded != "default", foldedSections.contains(folded) else { return nil }
        return entry(section: "DEFAULT", names: names)
    }

    /// The same without what stands in `[DEFAULT]` for all sections.
    func ownEntry(section: String, names: [String]) -> Entry? {
        for name in names {
            let place =
                places[ININame(writtenSection: section, key: name)] ?? firstPlaces[ININame(section: section, key: name)]
            if let place { return entries[place] }
        }
        return nil
    }

    private static func split(_ bytes: ArraySlice<UInt8>) -> [Line] {
        var lines: [Line] = []
        var start = bytes.startIndex
        var index = start
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "\n") || bytes[index] == UInt8(ascii: "\r") else {
                index += 1
                continue
            }
            var next = index + 1
            if bytes[index] == UInt8(ascii: "\r"), next < bytes.endIndex, bytes[next] == UInt8(ascii: "\n") {
                next += 1
            }
            lines.append(Line(bytes: bytes[start..<index], ending: bytes[index..<next]))
            start = next
            index = next
        }
        if start < bytes.endIndex { lines.append(Line(bytes: bytes[start...], ending: [])) }
        return lines
    }
}

/// The name of a key with its section, as names are compared: by their bytes in lower case.
struct ININame: Hashable {
    let section: ExactText
    let key: ExactText

    init(section: String, key: String) {
        self.init(writtenSection: section.lowercased(), key: key)
    }

    /// The section compares as it is written.
    init(writtenSection section: String, key: String) {
        self.section = ExactText(section)
        self.key = ExactText(key.lowercased())
    }
}

/// Why a settings file is no INI document.
package struct INIError: Error, Equatable, Sendable {
    /// The line in question, from 1, if there is one.
    package var line: Int?
    /// What is wrong, as part of a sentence, without any value of the file.
    package var message: String
}

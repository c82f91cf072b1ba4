// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

extension INIDocument {
    /// Sets a value and leaves every other line, comment and the order as they are.
    ///
    /// A key that the section already has, under any of `names`, is changed where it stands; of several the one that
    /// counts. A new key goes below a
    /// comment that shows it (`;PORT = 8080`), otherwise to the end of its section; a new section to the end of the
    /// file.
    ///
    /// - Parameters:
    ///   - section: The section's name.
    ///   - names: The key's name, followed by its other spellings.
    ///   - value: The new value, without quotes.
    /// - Throws: `INIError` when the file format cannot carry the value.
    package mutating func set(section: String, names: [String], to value: String) throws(INIError) {
        guard let name = names.first else { return }
        let existing = ownEntry(section: section, names: names)
        var copy = self
        if let existing {
            let first = lines[existing.lines.lowerBound].bytes
            var prefix = Array(first.prefix(existing.valueOffset))
            let isEmpty = first.dropFirst(existing.valueOffset).trimmingBlanks().isEmpty
            if isEmpty { prefix.append(UInt8(ascii: " ")) }
            let comments = lines[existing.lines].dropFirst().filter { line in
                let first = line.bytes.trimmingBlanks().first
                return first == UInt8(ascii: "#") || first == UInt8(ascii: ";")
            }
            let block = try written(value, after: prefix, indentation: existing.indentation)
            copy.lines.replaceSubrange(existing.lines, with: block + comments)
        } else {
            let place = placeForNewEntry(section: section, name: name)
            let prefix = [UInt8](repeating: UInt8(ascii: " "), count: place.indentation) + Array("\(name) = ".utf8)
            var block = try written(value, after: prefix, indentation: place.indentation)
            if place.needsHeader {
                block.insert(Line(bytes: Array("[\(section)]".utf8)[...], ending: lineEnding), at: 0)
                if !lines.isEmpty { block.insert(Line(bytes: [], ending: lineEnding), at: 0) }
            }
            if place.index > 0, copy.lines[place.index - 1].ending.isEmpty {
                copy.lines[place.index - 1].ending = lineEnding
            }
            copy.lines.insert(contentsOf: block, at: place.index)
        }
        let result = try INIDocument(bytes: copy.bytes)
        try confirm(result, changed: existing, section: section, names: names, value: value)
        self = result
    }

    /// Takes a key out of its section and leaves every other line, comments included, as it is.
    ///
    /// - Parameters:
    ///   - section: The section's name.
    ///   - names: The key's name, followed by its other spellings; all of them are removed.
    /// - Returns: Whether there was such a key.
    package mutating func remove(section: String, names: [String]) -> Bool {
        let wanted = Set(names.map { ININame(section: section, key: $0) })
        let removed = entries.filter { wanted.contains(ININame(section: $0.section, key: $0.name)) }
        var copy = self
        for entry in removed.reversed() {
            let comments = lines[entry.lines].dropFirst().filter { line in
                let first = line.bytes.trimmingBlanks().first
                return first == UInt8(ascii: "#") || first == UInt8(ascii: ";")
            }
            copy.lines.replaceSubrange(entry.lines, with: comments)
        }
        guard !removed.isEmpty, let result = try? INIDocument(bytes: copy.bytes) else { return false }
        self = result
        return true
    }

    private var lineEnding: ArraySlice<UInt8> {
        lines.first { !$0.ending.isEmpty }?.ending ?? [UInt8(ascii: "\n")]
    }

    private func written(
        _ value: String, after prefix: [UInt8], indentation: Int
    ) throws(INIError) -> [Line] {
        let parts = try quotedIfNeeded(value).utf8.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let indent = [UInt8](repeating: UInt8(ascii: " "), count: indentation + 4)
        return parts.enumerated().map { index, part in
            let bytes = index == 0 ? prefix + part : part.isEmpty ? [] : indent + part
            return Line(bytes: bytes[...], ending: lineEnding)
        }
    }

    private func quotedIfNeeded(_ value: String) throws(INIError) -> String {
        let bytes = Array(value.utf8)
        let quotes: [UInt8] = [UInt8(ascii: "\""), UInt8(ascii: "'")]
        let isPlain =
            bytes[...].trimmingBlanks().count == bytes.count
            && !(bytes.count >= 2 && bytes.first == bytes.last && quotes.contains(bytes[0]))
        if isPlain { return value }
        guard let quote = quotes.first(where: { !bytes.contains($0) }) else {
            throw INIError(line: nil, message: "the value needs quotes but contains both kinds of them")
        }
        let mark = String(UnicodeScalar(quote))
        return mark + value + mark
    }

    private func placeForNewEntry(section: String, name: String) -> (index: Int, indentation: Int, needsHeader: Bool) {
        let (written, folded) = (ExactText(section), ExactText(section.lowercased()))
        guard
            let position = sections.firstIndex(where: { ExactText($0.name) == written })
                ?? sections.firstIndex(where: { ExactText($0.name.lowercased()) == folded })
        else { return (lines.count, 0, true) }
        let start = sections[position].line
        let end = position + 1 < sections.count ? sections[position + 1].line - 1 : lines.count
        let inside = entries.filter { $0.lines.lowerBound >= start && $0.lines.lowerBound < end }
        let indentation = inside.first?.indentation ?? 0
        let covered = Set(inside.flatMap(\.lines))
        let key = ExactText(name.lowercased())
        for index in start..<end where !covered.contains(index) {
            if commentedKey(in: lines[index].bytes) == key { return (index + 1, indentation, false) }
        }
        return (inside.last?.lines.upperBound ?? start, indentation, false)
    }

    /// The key of a comment line such as `;PORT = 8080`, in lower case.
    private func commentedKey(in bytes: ArraySlice<UInt8>) -> ExactText? {
        var content = bytes.trimmingBlanks()
        guard let mark = content.first, mark == UInt8(ascii: ";") || mark == UInt8(ascii: "#") else { return nil }
        content.removeFirst()
        guard let delimiter = content.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }) else {
            return nil
        }
        return ExactText(String(decoding: content[..<delimiter].trimmingBlanks(), as: UTF8.self).lowercased())
    }

    /// An edit may change one entry only: whatever the value contains, it cannot become a second key or a section.
    private func confirm(
        _ result: INIDocument, changed: Entry?, section: String, names: [String], value: String
    ) throws(INIError) {
        let edited = ININame(section: section, key: changed?.name ?? names[0])
        func others(_ document: INIDocument) -> [[ExactText]] {
            document.entries
                .filter { ININame(section: $0.section, key: $0.name) != edited }
                .map { [ExactText($0.section), ExactText($0.name), ExactText($0.value)] }
        }
        let written = result.ownEntry(section: section, names: names)
        guard written.map({ ExactText($0.value) }) == ExactText(value), others(result) == others(self) else {
            throw INIError(line: changed?.line, message: "the value cannot be written in a settings file")
        }
    }
}

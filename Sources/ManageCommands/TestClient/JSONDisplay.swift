// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// JSON set for people: indented, coloured, long texts cut.
struct JSONDisplay {
    /// Texts longer than this are cut: attachments would flood the terminal.
    static let maximumCharacters = 400

    var style: TextStyle

    /// The value as lines; the last one ends with a line break.
    func text(of value: JSONValue) -> String {
        set(value, indent: "") + "\n"
    }

    private func set(_ value: JSONValue, indent: String) -> String {
        let inner = indent + "  "
        switch value.kind {
        case .object:
            guard let members = value.members, members.underestimatedCount > 0 else { return "{}" }
            let lines = members.map { "\(inner)\(name($0.name.string)): \(set($0.value, indent: inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        case .array:
            guard let elements = value.array, !elements.isEmpty else { return "[]" }
            let lines = elements.map { "\(inner)\(set($0, indent: inner))" }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indent)]"
        case .string: return style.apply(.green, to: shortened(value))
        case .integer, .real: return style.apply(.yellow, to: compact(value))
        case .bool, .null: return style.apply(.faint, to: compact(value))
        }
    }

    private func name(_ name: String) -> String {
        var writer = JSONWriter()
        writer.string(name)
        return style.apply(.cyan, to: String(decoding: writer.bytes, as: UTF8.self).escapedForTerminal())
    }

    private func compact(_ value: JSONValue) -> String {
        var writer = JSONWriter()
        writer.value(value)
        return String(decoding: writer.bytes, as: UTF8.self).escapedForTerminal()
    }

    private func shortened(_ value: JSONValue) -> String {
        guard let text = value.text, text.utf8Count > Self.maximumCharacters else { return compact(value) }
        var writer = JSONWriter()
        writer.string(String(text.string.prefix(Self.maximumCharacters)))
        return String(decoding: writer.bytes, as: UTF8.self).escapedForTerminal() + " … (\(text.utf8Count) bytes)"
    }
}

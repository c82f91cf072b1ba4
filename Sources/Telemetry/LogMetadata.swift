// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging

/// Metadata of a message: what may not be seen is taken out, and the rest is written as text or JSON.
enum LogMetadata {
    /// Deeper values are written as `…`.
    private static let maximumDepth = 8
    private static let secretNames: Set<String> = ["password", "token", "auth_id", "secret", "key", "text"]
    private static let secretEndings = ["password", "token", "auth_id", "secret", "secret_key", "private_key"]
    private static let redacted: Logger.MetadataValue = "[redacted]"

    /// Whether the value of `key` may be a secret or a message's text: its last dotted part is one of the names, or
    /// ends with one, such as `chat.user.hash_password` or `accessToken`.
    static func isSecret(_ key: String) -> Bool {
        let name = (key.split(separator: ".").last.map(String.init) ?? key).lowercased()
        return secretNames.contains(name) || secretEndings.contains { name.hasSuffix($0) }
    }

    /// `metadata` with every secret replaced, at any depth, and with long values cut.
    static func cleaned(_ metadata: Logger.Metadata) -> Logger.Metadata {
        var cleaned = metadata
        for (key, value) in metadata {
            cleaned[key] = isSecret(key) ? redacted : Self.cleaned(value, depth: 1)
        }
        return cleaned
    }

    private static func cleaned(_ value: Logger.MetadataValue, depth: Int) -> Logger.MetadataValue {
        guard depth < maximumDepth else { return "…" }
        switch value {
        case .string(let text):
            return .string(LogText.limited(text, to: LogText.maximumValueBytes))
        case .stringConvertible(let convertible):
            return .string(LogText.limited(convertible.description, to: LogText.maximumValueBytes))
        case .array(let values):
            return .array(values.prefix(100).map { cleaned($0, depth: depth + 1) })
        case .dictionary(let values):
            var result: Logger.Metadata = [:]
            for (key, value) in values.prefix(100) {
                result[key] = isSecret(key) ? redacted : cleaned(value, depth: depth + 1)
            }
            return .dictionary(result)
        }
    }

    /// Appends ` key=value` for each entry, ordered by key; values with blanks or quotes are quoted.
    static func appendText(_ metadata: Logger.Metadata, to line: inout [UInt8]) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line.append(UInt8(ascii: " "))
            LogText.appendEscaped(key, to: &line)
            line.append(UInt8(ascii: "="))
            appendText(value, to: &line)
        }
    }

    private static func appendText(_ value: Logger.MetadataValue, to line: inout [UInt8]) {
        switch value {
        case .string(let text): appendQuoted(text, to: &line)
        case .stringConvertible(let convertible): appendQuoted(convertible.description, to: &line)
        case .array(let values):
            line.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { line.append(UInt8(ascii: " ")) }
                appendText(value, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        case .dictionary(let values):
            line.append(UInt8(ascii: "{"))
            appendText(values, to: &line)
            line.append(contentsOf: " }".utf8)
        }
    }

    /// Appends ` key=value` for each entry, ordered by key; lists and dictionaries are quoted JSON.
    static func appendLogfmt(_ metadata: Logger.Metadata, to line: inout [UInt8]) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line.append(UInt8(ascii: " "))
            // What ends a key cannot be quoted in one.
            line.append(
                contentsOf: key.utf8.map { $0 <= 0x20 || "=\"\u{7f}".utf8.contains($0) ? UInt8(ascii: "_") : $0 })
            line.append(UInt8(ascii: "="))
            switch value {
            case .string(let text): appendQuoted(text, to: &line)
            case .stringConvertible(let convertible): appendQuoted(convertible.description, to: &line)
            case .array, .dictionary:
                var json: [UInt8] = []
                appendJSON(value, to: &json)
                appendQuoted(String(decoding: json, as: UTF8.self), to: &line)
            }
        }
    }

    /// Appends a value, in quotes if it has blanks, quotes or brackets.
    static func appendQuoted(_ text: String, to line: inout [UInt8]) {
        let needsQuotes = text.isEmpty || text.utf8.contains { " \"=\\[]{}".utf8.contains($0) }
        guard needsQuotes else {
            LogText.appendEscaped(text, to: &line)
            return
        }
        line.append(UInt8(ascii: "\""))
        var piece = ""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { piece.unicodeScalars.append("\\") }
            piece.unicodeScalars.append(character)
        }
        LogText.appendEscaped(piece, to: &line)
        line.append(UInt8(ascii: "\""))
    }

    /// Appends the entries as a JSON object, ordered by key.
    static func appendJSON(_ metadata: Logger.Metadata, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "{"))
        for (index, (key, value)) in metadata.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            LogText.appendJSON(key, to: &line)
            line.append(UInt8(ascii: ":"))
            appendJSON(value, to: &line)
        }
        line.append(UInt8(ascii: "}"))
    }

    private static func appendJSON(_ value: Logger.MetadataValue, to line: inout [UInt8]) {
        switch value {
        case .string(let text): LogText.appendJSON(text, to: &line)
        case .stringConvertible(let convertible): LogText.appendJSON(convertible.description, to: &line)
        case .array(let values):
            line.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                appendJSON(value, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        case .dictionary(let values): appendJSON(values, to: &line)
        }
    }
}

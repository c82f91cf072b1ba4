// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text as it may go to a terminal: control characters, which could move the cursor or change colours, and
    /// characters that reorder text are written as `\u{…}`.
    ///
    /// Line breaks stay unless `lineBreaks` is false.
    package func escapedForTerminal(lineBreaks: Bool = true) -> String {
        let isHarmless = unicodeScalars.allSatisfy { !Self.needsEscape($0, lineBreaks: lineBreaks) }
        if isHarmless { return self }
        var result = ""
        for scalar in unicodeScalars {
            if Self.needsEscape(scalar, lineBreaks: lineBreaks) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func needsEscape(_ scalar: Unicode.Scalar, lineBreaks: Bool) -> Bool {
        switch scalar.value {
        case 0x0A: !lineBreaks
        case 0x00..<0x20, 0x7F..<0xA0: true
        // Direction marks, embeddings, overrides and isolates; line and paragraph separators.
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    func trimmingPrefixAndSuffixBlanks() -> String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}

extension String {
    /// The day of a time that RFC 3339 writes, for tables: `2026-11-21`.
    var dayOfTime: String { String(prefix { $0 != "T" }) }

    /// Day and minute of a time that RFC 3339 writes, for tables: `2026-11-21 08:25`.
    var minuteOfTime: String { String(prefix(16)).replacing("T", with: " ") }
}

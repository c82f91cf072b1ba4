// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Unicode.Scalar {
    /// Whether a terminal acts by the character instead of showing it: controls, which could move the cursor or change
    /// colours, and what reorders or breaks lines.
    package var actsOnTerminal: Bool {
        switch value {
        case 0x00..<0x20, 0x7F..<0xA0: true
        // Direction marks, embeddings, overrides and isolates; line and paragraph separators.
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

/// Text on its way to a terminal.
package enum TerminalText {
    /// The text with `\u{…}` in the place of characters on which a terminal would act.
    ///
    /// Line breaks stay unless `lineBreaks` is false.
    package static func escaped(_ text: String, lineBreaks: Bool = true) -> String {
        func acts(_ scalar: Unicode.Scalar) -> Bool { scalar.actsOnTerminal && !(lineBreaks && scalar == "\n") }
        guard text.unicodeScalars.contains(where: acts) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if acts(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

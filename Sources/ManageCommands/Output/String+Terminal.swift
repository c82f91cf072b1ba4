// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

extension String {
    /// The text as it may go to a terminal, see `TerminalText`.
    func escapedForTerminal(lineBreaks: Bool = true) -> String {
        TerminalText.escaped(self, lineBreaks: lineBreaks)
    }

    func trimmingPrefixAndSuffixBlanks() -> String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }

    /// The day of a time that RFC 3339 writes, for tables: `2026-11-21`.
    var dayOfTime: String { String(prefix { $0 != "T" }) }

    /// Day and minute of a time that RFC 3339 writes, for tables: `2026-11-21 08:25`.
    var minuteOfTime: String { String(prefix(16)).replacing("T", with: " ") }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

/// Text on its way into a log line, so that no value can end the line, forge another or drive the reader's terminal.
enum LogText {
    /// Longest message that is written; what is beyond is cut off.
    static let maximumMessageBytes = 16 * 1024
    /// Longest single value of the metadata.
    static let maximumValueBytes = 4 * 1024

    /// Appends `text` with control characters written as `\n`, `\t`, `\x1b` or `\u202e`.
    static func appendEscaped(_ text: String, to line: inout [UInt8]) {
        var text = text
        let isPlain = text.withUTF8 { bytes in
            guard bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return false }
            line.append(contentsOf: bytes)
            return true
        }
        if isPlain { return }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line.append(contentsOf: #"\n"#.utf8)
            case "\r": line.append(contentsOf: #"\r"#.utf8)
            case "\t": line.append(contentsOf: #"\t"#.utf8)
            case _ where scalar.actsOnTerminal:
                let digits = String(scalar.value, radix: 16)
                let isByte = scalar.value < 0x100
                line.append(contentsOf: (isByte ? #"\x"# : #"\u"#).utf8)
                line.append(contentsOf: String(repeating: "0", count: (isByte ? 2 : 4) - digits.utf8.count).utf8)
                line.append(contentsOf: digits.utf8)
            default: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    /// Appends `text` as a JSON string with its quotes.
    static func appendJSON(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line.append(contentsOf: #"\""#.utf8)
            case "\\": line.append(contentsOf: #"\\"#.utf8)
            case "\n": line.append(contentsOf: #"\n"#.utf8)
            case "\r": line.append(contentsOf: #"\r"#.utf8)
            case "\t": line.append(contentsOf: #"\t"#.utf8)
            case _ where scalar.actsOnTerminal:
                let digits = String(scalar.value, radix: 16)
                line.append(contentsOf: #"\u"#.utf8)
                line.append(contentsOf: String(repeating: "0", count: 4 - digits.utf8.count).utf8)
                line.append(contentsOf: digits.utf8)
            default: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    /// `text` cut to at most `limit` bytes at a character's boundary, with a mark where something is missing.
    static func limited(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var kept = ""
        for scalar in text.unicodeScalars {
            guard kept.utf8.count + 4 <= limit else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "… [\(text.utf8.count) bytes]"
    }
}

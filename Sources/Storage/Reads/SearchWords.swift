// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The words of a text as full-text search keeps and finds them.
///
/// A word is a run of letters, digits and the marks on them. Texts are cut and folded here, not by the engines, whose
/// own ideas of words and case differ: "Straße" finds "STRASSE" on both, "uber" does not find "über" on either.
enum SearchWords {
    /// What follows in a longer text is not found.
    static let maximumTextScalars = 65_536
    /// Only the beginning of a longer word counts.
    static let maximumWordScalars = 128
    /// Further words of a query are ignored.
    static let maximumQueryWords = 32

    /// The folded words of `text` in order, with a space between two.
    static func folded(_ text: String) -> String {
        var text = text
        return text.withUTF8 { text in
            var words = FoldedWords()
            var start = 0
            while start < text.count, !words.isFull {
                // Every word ends at an ASCII character that is neither letter nor digit. Most texts are ASCII alone,
                // and every message goes through here: Swift's properties of a character cost many times as much.
                var end = start
                var bits: UInt8 = 0
                while end < text.count, text[end] >= 0x80 || isLetterOrDigit(text[end]) {
                    bits |= text[end]
                    end += 1
                }
                let run = UnsafeBufferPointer(rebasing: text[start..<end])
                if bits < 0x80 {
                    words.append(ascii: run)
                } else {
                    appendWords(of: String(decoding: run, as: UTF8.self).unicodeScalars, to: &words)
                }
                start = end + 1
            }
            return String(decoding: words.utf8, as: UTF8.self)
        }
    }

    private static func appendWords(of run: String.UnicodeScalarView, to words: inout FoldedWords) {
        var word = String.UnicodeScalarView()
        var scalars = 0
        for scalar in run {
            if isWordScalar(scalar, first: scalars == 0) {
                if scalars < maximumWordScalars { word.append(scalar) }
                scalars += 1
            } else {
                words.append(fold(word))
                word = String.UnicodeScalarView()
                scalars = 0
            }
        }
        words.append(fold(word))
    }

    /// A query for messages that contain every one of `words`; `nil` if there is none.
    static func query(_ words: [String]) -> String? {
        var query: [Substring] = []
        for word in words.flatMap({ folded($0).split(separator: " ") }) where query.count < maximumQueryWords {
            if !query.contains(where: { $0.utf8.elementsEqual(word.utf8) }) { query.append(word) }
        }
        // Quoted, so that no operator of the engine's query language works.
        return query.isEmpty ? nil : query.map { "\"\($0)\"" }.joined(separator: " ")
    }

    /// Through upper case, which has one form where lower case has several (ß, ς).
    private static func fold(_ word: String.UnicodeScalarView) -> String {
        String(String(String(word).uppercased().lowercased()).unicodeScalars.prefix(maximumWordScalars))
    }

    private static func isWordScalar(_ scalar: Unicode.Scalar, first: Bool) -> Bool {
        if scalar.isASCII { return isLetterOrDigit(UInt8(scalar.value)) }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber:
            return true
        case .nonspacingMark, .spacingMark, .enclosingMark: return !first
        default: return false
        }
    }

    static func isLetterOrDigit(_ ascii: UInt8) -> Bool {
        (0x30...0x39).contains(ascii) || (0x61...0x7a).contains(ascii | 0x20)
    }
}

/// Words one after the other, as many as are kept of one text.
private struct FoldedWords {
    private(set) var utf8: [UInt8] = []
    private var scalars = 0

    var isFull: Bool { scalars > SearchWords.maximumTextScalars }

    mutating func append(_ word: String) {
        guard !word.isEmpty, makesRoom(for: word.unicodeScalars.count) else { return }
        utf8.append(contentsOf: word.utf8)
    }

    /// Adds a word of letters and digits.
    mutating func append(ascii word: UnsafeBufferPointer<UInt8>) {
        let count = min(word.count, SearchWords.maximumWordScalars)
        guard count > 0, makesRoom(for: count) else { return }
        for byte in word[..<count] { utf8.append((0x41...0x5a).contains(byte) ? byte | 0x20 : byte) }
    }

    /// Puts the space before a word; says whether the word still counts.
    private mutating func makesRoom(for count: Int) -> Bool {
        scalars += count + 1
        guard !isFull else { return false }
        if !utf8.isEmpty { utf8.append(0x20) }
        return true
    }
}

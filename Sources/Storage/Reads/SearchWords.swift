// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The words of a text as full-text search keeps and finds them.
///
/// A word is a run of letters, digits and the marks on them. Texts are cut and folded here, not by the engines, whose own
/// ideas of words and case differ: "Straße" finds "STRASSE" on both, "uber" does not find "über" on either.
enum SearchWords {
    /// What follows in a longer text is not found.
    static let maximumTextScalars = 65_536
    /// Only the beginning of a longer word counts.
    static let maximumWordScalars = 128
    /// Further words of a query are ignored.
    static let maximumQueryWords = 32

    /// The folded words of `text` in order.
    static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var scalars = 0
        var total = 0
        func end() {
            guard !word.isEmpty else { return }
            let folded = fold(word)
            total += folded.unicodeScalars.count + 1
            if total <= maximumTextScalars { words.append(folded) }
            word = String.UnicodeScalarView()
            scalars = 0
        }
        for scalar in text.unicodeScalars {
            if isWordScalar(scalar, first: scalars == 0) {
                if scalars < maximumWordScalars { word.append(scalar) }
                scalars += 1
            } else {
                end()
                if total > maximumTextScalars { return words }
            }
        }
        end()
        return words
    }

    /// A query for messages that contain every one of `words`; `nil` if there is none.
    static func query(_ words: [String]) -> String? {
        var query: [String] = []
        for word in words.flatMap(Self.words) where query.count < maximumQueryWords {
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
        if scalar.isASCII { return scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber:
            return true
        case .nonspacingMark, .spacingMark, .enclosingMark: return !first
        default: return false
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The form of an e-mail address: what every mail server would take, without asking whether the mailbox exists.
package enum EmailAddress {
    private static let maximumLocalBytes = 64
    private static let maximumDomainBytes = 253
    private static let maximumLabelBytes = 63
    /// What no address is longer than, as bytes of UTF-8.
    package static let maximumBytes = maximumLocalBytes + 1 + maximumDomainBytes

    /// Whether `text` is `LOCAL@DOMAIN`: dotted words on the left, a domain of two parts or more on the right.
    ///
    /// Letters of every script may be in both (RFC 6531); quoted words and addresses in brackets are refused.
    package static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= maximumBytes else { return false }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        let words = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts[0].count <= maximumLocalBytes && words.allSatisfy(isWord)
            && parts[1].count <= maximumDomainBytes && labels.count >= 2 && labels.allSatisfy(isLabel)
            && labels.last.flatMap(\.last).map { !isDigit($0) } == true && !hasInvisible(text)
    }

    /// Refuses what is neither empty nor an address.
    static func check(_ text: String) throws(ChatError) {
        guard text.isEmpty || isValid(text) else { throw .invalidEmail }
    }

    private static func isWord(_ word: ArraySlice<UInt8>) -> Bool {
        !word.isEmpty && word.allSatisfy { isLetterOrDigit($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        (1...maximumLabelBytes).contains(label.count) && label.first != UInt8(ascii: "-")
            && label.last != UInt8(ascii: "-")
            && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Also every byte of a character outside ASCII.
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...: true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func hasInvisible(_ text: String) -> Bool {
        text.unicodeScalars.contains { scalar in
            guard !scalar.isASCII else { return false }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate, .unassigned,
                .privateUse:
                return true
            default: return false
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A text that is equal to another only if it has the same bytes of UTF-8.
///
/// `String` compares and hashes what a text means after Unicode normalization, in a time that grows with the square of
/// a run of combining marks: one of 60 KB takes a third of a second. Text from outside that is a key, or that is
/// compared with a word, is one of these instead.
package struct ExactText: Sendable {
    /// The text, for everything but comparing.
    package let string: String

    /// Wraps a text of any length.
    package init(_ string: String) {
        self.string = string
    }
}

extension ExactText: Hashable {
    /// Compares the lengths, then the bytes.
    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.string.utf8.count == right.string.utf8.count && left.string.utf8.elementsEqual(right.string.utf8)
    }

    /// Hashes the bytes and their number, so that neighbouring texts do not run into each other.
    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { bytes in
            hasher.combine(bytes.count)
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}

extension ExactText: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral value: String) {
        self.init(value)
    }

    package var description: String { string }
}

extension RawRepresentable where RawValue == String {
    /// The case that a word from outside names; `nil` also for what is longer than any word or not ASCII.
    ///
    /// `init(rawValue:)` compares as `String` does and is for words of our own.
    package init?(word: String) {
        guard word.utf8.count <= 64, word.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        self.init(rawValue: word)
    }
}

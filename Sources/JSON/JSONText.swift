// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A text that may be long: a Swift string, or a string of a parsed document that was not copied.
///
/// Attachments of many MiB pass through as one of these, and are written once, by `JSONWriter`. Names of members are
/// such texts as well: two are equal if their bytes are, which no text can make slow (`String` normalizes what it
/// compares).
package struct JSONText: Sendable {
    private let storage: Storage

    private enum Storage: Sendable {
        case string(String)
        case bytes([UInt8])
        /// A string of a document, by the index of its node.
        case node(JSONDocument, Int)
    }

    package init(_ string: String) {
        self.storage = .string(string)
    }

    /// A text that is kept as bytes, which must be UTF-8.
    package init(utf8 bytes: [UInt8]) {
        self.storage = .bytes(bytes)
    }

    init(_ document: JSONDocument, _ index: Int) {
        self.storage = .node(document, index)
    }

    /// A copy as a Swift string.
    package var string: String {
        switch storage {
        case .string(let string): string
        case .bytes, .node: withUTF8 { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Length in bytes of UTF-8.
    package var utf8Count: Int {
        switch storage {
        case .string(let string): string.utf8.count
        case .bytes(let bytes): bytes.count
        case .node(let document, let index): document.nodes[index].count
        }
    }

    /// Whether it is known to need no escape in JSON.
    var isPlain: Bool {
        switch storage {
        case .string, .bytes: false
        case .node(let document, let index): document.nodes[index].kind == .plainString
        }
    }

    /// Whether U+0000 is in it.
    package var containsNull: Bool {
        withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return false }
            return memchr(start, 0, bytes.count) != nil
        }
    }

    /// Calls `body` with the bytes of UTF-8.
    package func withUTF8<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        switch storage {
        case .string(var string): string.withUTF8 { body(UnsafeRawBufferPointer($0)) }
        case .bytes(let bytes): bytes.withUnsafeBytes(body)
        case .node(let document, let index):
            withExtendedLifetime(document) { body(document.bytes(of: document.nodes[index])) }
        }
    }
}

extension JSONText: Hashable {
    package static func == (left: JSONText, right: JSONText) -> Bool {
        left.withUTF8 { left in
            right.withUTF8 { right in
                guard left.count == right.count else { return false }
                guard let start = left.baseAddress, let other = right.baseAddress else { return true }
                return memcmp(start, other, left.count) == 0
            }
        }
    }

    /// Hashes the bytes and their number, so that neighbouring texts do not run into each other.
    package func hash(into hasher: inout Hasher) {
        withUTF8 { bytes in
            hasher.combine(bytes.count)
            hasher.combine(bytes: bytes)
        }
    }

    /// Whether the text is a word, for `switch`: lengths first, then the bytes, without a copy.
    package static func ~= (word: StaticString, text: JSONText) -> Bool {
        text.withUTF8 { bytes in
            guard bytes.count == word.utf8CodeUnitCount else { return false }
            guard let start = bytes.baseAddress else { return true }
            return memcmp(start, word.utf8Start, bytes.count) == 0
        }
    }
}

extension JSONText: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral value: String) {
        self.init(value)
    }

    package var description: String { string }
}

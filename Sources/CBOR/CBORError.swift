// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Bounds on an item from outside, checked before any memory is reserved for it.
///
/// Bytes alone are not enough: an item of one byte takes 24 as a value.
package struct CBORLimits: Sendable, Equatable {
    /// The length of the whole encoding.
    package var bytes: Int
    /// How many arrays, maps and tags may lie inside each other.
    ///
    /// 1 is a flat map. Decoding recurses so deep.
    package var depth: Int
    /// How many items, counting every key, value, element and chunk of a string.
    package var items: Int

    /// 16 MiB, depth 32 and 65,536 items: beyond any message of our protocols.
    package static let standard = CBORLimits(bytes: 16 << 20, depth: 32, items: 65_536)

    package init(bytes: Int, depth: Int, items: Int) {
        self.bytes = bytes
        self.depth = depth
        self.items = items
    }
}

/// Why bytes are not one CBOR item that we accept.
///
/// The texts name what is wrong and where, never what the bytes said: a broken frame may hold a password. A sample:
/// `the item ends too early (at byte 41)`.
package struct CBORError: Error, Equatable, Sendable {
    /// For branching.
    package enum Code: Sendable, Equatable, CaseIterable {
        /// There are no bytes at all.
        case empty
        /// The bytes end before the item does, or a length says more than there is.
        case truncated
        /// Something follows the item.
        case trailing
        /// The additional information 28, 29 or 30, or a simple value below 32 in two bytes.
        case reserved
        /// An indefinite length where there is none: an integer or a tag.
        case indefinite
        /// A break that ends nothing, or one between a key and its value.
        case misplacedBreak
        /// A string of indefinite length has a part that is no string of its kind and of definite length.
        case invalidChunk
        /// A text, or a chunk of one, is not UTF-8.
        case invalidUTF8
        /// The key of a map is no text. No protocol of ours has others, and what a key can be bounds what comparing
        /// keys costs.
        case nonTextKey
        /// A map has the same key twice. Decoders differ in which one they take, so we take neither.
        case duplicateKey
        /// Longer than `CBORLimits.bytes`.
        case tooLong
        /// Nested deeper than `CBORLimits.depth`.
        case tooDeep
        /// More items than `CBORLimits.items`.
        case tooManyItems
    }

    /// For branching.
    package var code: Code
    /// Where the item or head begins that is wrong, in bytes from the start.
    package var offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }
}

extension CBORError: CustomStringConvertible {
    package var description: String { "\(reason) (at byte \(offset))" }

    private var reason: String {
        switch code {
        case .empty: "there is no item"
        case .truncated: "the item ends too early"
        case .trailing: "something follows the end of the item"
        case .reserved: "the head of an item is a reserved one"
        case .indefinite: "an integer or a tag has an indefinite length"
        case .misplacedBreak: "a break ends nothing"
        case .invalidChunk: "a string of indefinite length has a part that is not of its kind"
        case .invalidUTF8: "a text is not UTF-8"
        case .nonTextKey: "the key of a map is no text"
        case .duplicateKey: "a map has the same key twice"
        case .tooLong: "the item is too long"
        case .tooDeep: "arrays, maps and tags are nested too deeply"
        case .tooManyItems: "there are too many items"
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One value of a parsed text, or the name of a member.
///
/// The nodes of a document stand in the order of the text: those inside an array or object follow it, and each member
/// is its name, then its value.
struct JSONNode {
    enum Kind: UInt8 {
        case object, array
        /// A string as the text had it, without an escape: it can be written as it stands.
        case plainString
        /// A string that had escapes, which are undone.
        case string
        case integer, real, yes, no, null
    }

    var kind: Kind
    /// The index of the first node after this one and everything inside it.
    var next: UInt32
    /// The number; of a string the offset of its bytes and their number, in 32 bits each; of an array or object the
    /// number of its elements or members.
    var bits: UInt64

    init(_ kind: Kind, next: Int, bits: UInt64 = 0) {
        self.kind = kind
        self.next = UInt32(truncatingIfNeeded: next)
        self.bits = bits
    }

    var isString: Bool { kind == .plainString || kind == .string }
    var start: Int { Int(bits >> 32) }
    var count: Int { Int(bits & 0xFFFF_FFFF) }
}

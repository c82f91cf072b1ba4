// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a JSON text that we accept.
///
/// The texts name what is wrong and where, never what the bytes said: a broken frame may hold a password. A sample:
/// `the text ends too early (at byte 41)`.
package struct JSONError: Error, Equatable, Sendable {
    /// For branching.
    package enum Code: Sendable, Equatable, CaseIterable {
        /// There are no bytes at all.
        case empty
        /// The text ends before its value does.
        case truncated
        /// Something follows the value.
        case trailing
        /// Not JSON's grammar; also a lone surrogate escape.
        case syntax
        /// The bytes are not UTF-8.
        case invalidUTF8
        /// An object has the same member name twice. Parsers differ in which one they take, so we take neither.
        case duplicateMember
        /// A member name contains U+0000.
        case nullInName
        /// An integer beyond 64 bits or a real beyond a double.
        case numberTooLarge
        /// Arrays and objects are nested deeper than `JSONLimits.depth`.
        case tooDeep
        /// More values than `JSONLimits.values`.
        case tooManyValues
        /// The parser could not get memory.
        case outOfMemory
    }

    /// For branching.
    package var code: Code
    /// How many bytes were read when it was noticed.
    package var offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String { "\(reason) (at byte \(offset))" }

    private var reason: String {
        switch code {
        case .empty: "the text is empty"
        case .truncated: "the text ends too early"
        case .trailing: "something follows the end of the value"
        case .syntax: "the text is not JSON"
        case .invalidUTF8: "the text is not UTF-8"
        case .duplicateMember: "an object has the same member twice"
        case .nullInName: "a member name contains U+0000"
        case .numberTooLarge: "a number does not fit 64 bits; send longer ones as strings"
        case .tooDeep: "arrays and objects are nested too deeply"
        case .tooManyValues: "the text has too many values"
        case .outOfMemory: "there is not enough memory for the text"
        }
    }
}

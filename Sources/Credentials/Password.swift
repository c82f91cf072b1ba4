// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A password in clear.
///
/// It never prints its content: every description is `[password]`.
package struct Password: Sendable {
    /// Longer passwords are refused before anything is hashed.
    package static let maximumBytes = 4096

    private let text: String

    /// Wraps what the user typed or the client sent; an empty password is for the caller to refuse.
    package init(_ text: String) {
        self.text = text
    }

    /// Whether nothing was given.
    package var isEmpty: Bool { text.isEmpty }

    /// Length in bytes of UTF-8.
    package var byteCount: Int { text.utf8.count }

    /// Whether the password is within `maximumBytes`.
    package var isAcceptable: Bool { byteCount <= Self.maximumBytes }

    /// Calls `body` with the bytes of UTF-8, without a terminating zero.
    package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        var text = text
        return try text.withUTF8(body)
    }
}

extension Password: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[password]`.
    package var description: String { "[password]" }
    /// Always `[password]`.
    package var debugDescription: String { "[password]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

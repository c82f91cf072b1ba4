// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A login as this protocol can carry it.
///
/// Fields have no escape, so a carriage return in a login could be taken for the end of the field and what follows for
/// a login or text of another account. Our accounts have no control characters in their logins; whatever comes from
/// elsewhere is shown with U+FFFD in their place.
package struct MessengerLogin: Hashable, Sendable {
    /// What goes over the wire, 1 to 1,024 bytes.
    package let text: String
    /// Whether the client can write this login back to us.
    ///
    /// `false` after a replacement or a cut, and for what would be read as a group: leave such logins out of lists.
    package let isExact: Bool

    /// The most bytes of a login, so that a unit always has room for text.
    package static let maximumBytes = 1024

    /// Replaces what cannot be carried.
    package init(_ login: String) {
        var text = String.UnicodeScalarView()
        var count = 0
        for scalar in login.unicodeScalars {
            let shown: Unicode.Scalar = scalar == "\r" || scalar == "\0" ? "\u{FFFD}" : scalar
            count += UTF8.width(shown)
            if count > Self.maximumBytes { break }
            text.append(shown)
        }
        self.text = text.isEmpty ? "\u{FFFD}" : String(text)
        isExact = self.text.utf8.elementsEqual(login.utf8) && MessengerRecipient(login) == .login(login)
    }
}

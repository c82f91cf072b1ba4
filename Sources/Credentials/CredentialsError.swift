// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why a credential could not be made or checked.
///
/// A wrong password is not an error but the answer `false`.
package enum CredentialsError: Error, Hashable, Sendable {
    /// As many hashes are under way and waiting as are allowed; try again in a moment.
    case busy
    /// The caller's task was cancelled before its turn came.
    case cancelled
    /// The password has more than `limit` bytes of UTF-8.
    case passwordTooLong(limit: Int)
    /// The system did not give the memory that the hash needs.
    case outOfMemory
    /// The stored hash is in no form that this program reads, or asks for more memory or time than it grants.
    case unreadableHash
    /// A setting or parameter is outside of its range; the text names both.
    case invalidParameter(String)
}

extension CredentialsError: CustomStringConvertible {
    /// One sentence without secrets, safe to show to a client.
    package var description: String {
        switch self {
        case .busy: "Too many logins at once; try again in a moment."
        case .cancelled: "The login was cancelled."
        case .passwordTooLong(let limit): "The password is longer than \(limit) bytes."
        case .outOfMemory: "The server has not enough memory to check a password."
        case .unreadableHash: "The stored password is in a form that cannot be read; set a new password."
        case .invalidParameter(let text): text
        }
    }
}

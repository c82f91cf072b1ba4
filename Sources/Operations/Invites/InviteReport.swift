// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// An invitation as administrators see it; its code is nowhere kept.
package struct InviteReport: Codable, Sendable, Equatable {
    /// Whether accounts can be made with it.
    package enum Status: String, Codable, Sendable, CaseIterable {
        case valid
        /// Every use is taken.
        case used
        case expired
        case revoked
    }

    /// What names it: the beginning of its code's hash in hexadecimal.
    package var id: String
    /// Whether accounts can be made with it.
    package var status: Status
    /// How many accounts can still be made with it.
    package var usesLeft: Int64
    /// How many accounts were made with it.
    package var used: Int64
    /// When it was made, as RFC 3339 writes it.
    package var created: String
    /// When it ends; `nil`: never.
    @Nullable package var expires: String?
    /// What the operator noted.
    package var note: String

    init(_ record: InviteRecord, at time: Timestamp) {
        id = Self.id(of: record.codeHash)
        if record.revoked != nil {
            status = .revoked
        } else if record.usesLeft <= 0 {
            status = .used
        } else {
            status = record.isValid(at: time) ? .valid : .expired
        }
        usesLeft = record.usesLeft
        used = record.used
        created = record.created.text
        expires = record.expires?.text
        note = record.note
    }

    /// Bytes of the hash that an id shows.
    private static let idBytes = 6

    static func id(of hash: [UInt8]) -> String { Hexadecimal.text(hash.prefix(idBytes)) }
}

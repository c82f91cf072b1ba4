// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// An account as administrators see it.
package struct UserReport: Codable, Sendable, Equatable {
    /// The row number, by which lists go on.
    package var row: Int64
    /// Names the account on the wire.
    package var uuid: String
    /// As typed.
    package var login: String
    /// The shown name.
    package var username: String
    /// Whether it is a program's.
    package var isBot: Bool
    /// Empty when there is none.
    package var email: String
    /// What the account says about itself.
    package var bio: String
    /// When it was created, as RFC 3339 writes it.
    package var created: String
    /// By which FastChat's clients know it.
    package var publicNumber: Int64

    private enum CodingKeys: String, CodingKey {
        case row, uuid, login, username
        case isBot
        case email, bio, created
        case publicNumber = "fastchatNumber"
    }

    init(_ record: UserRecord) {
        row = record.id.rawValue
        uuid = record.uuid.description
        login = record.login
        username = record.username
        isBot = record.isBot
        email = record.email
        bio = record.bio
        created = record.created.text
        publicNumber = record.publicNumber
    }
}

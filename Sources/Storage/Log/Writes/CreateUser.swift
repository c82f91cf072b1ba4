// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes an account, and an admin row in the same transaction.
    package struct CreateUser: LogWrite {
        let user: NewUser
        let admin: NewAdmin?

        package init(_ user: NewUser, admin: NewAdmin? = nil) {
            self.user = user
            self.admin = admin
        }

        package func apply(to log: inout LogTransaction) throws -> UserID {
            if let admin { try log.checkNoAdmin(admin.username) }
            let id = try log.insert(user)
            if let admin { try log.insert(admin, of: id) }
            log.appendCreation(of: user, id)
            return id
        }
    }
}

/// The administrator that an account is made with.
package struct NewAdmin: Sendable {
    package var username: String
    package var passwordHash: String

    package init(username: String, passwordHash: String) {
        self.username = username
        self.passwordHash = passwordHash
    }
}

/// A public key that an account is made with.
package struct NewKey: Sendable {
    /// Such as `fastchat`.
    package var kind: String
    /// The device that has the private half, where an account has several.
    package var device: String
    package var publicKey: String

    package init(kind: String, device: String = "", publicKey: String) {
        self.kind = kind
        self.device = device
        self.publicKey = publicKey
    }
}

package struct NewUser: Sendable {
    package var uuid: Identifier
    package var login: String
    package var loginKey: String
    package var username: String
    package var passwordHash: String
    package var isBot: Bool
    package var isHidden: Bool
    package var email: String
    package var avatar: String
    package var bio: String
    /// What skaro's challenge needs, sealed.
    package var challengeSecret: [UInt8]?
    /// Written with the account, or neither is.
    package var key: NewKey?

    package init(
        uuid: Identifier, login: String, loginKey: String, username: String, passwordHash: String, isBot: Bool = false,
        isHidden: Bool = false, email: String = "", avatar: String = "", bio: String = "",
        challengeSecret: [UInt8]? = nil,
        key: NewKey? = nil
    ) {
        self.key = key
        self.uuid = uuid
        self.login = login
        self.loginKey = loginKey
        self.username = username
        self.passwordHash = passwordHash
        self.isBot = isBot
        self.isHidden = isHidden
        self.email = email
        self.avatar = avatar
        self.bio = bio
        self.challengeSecret = challengeSecret
    }
}

extension LogTransaction {
    /// Makes the row of an account, and its key's.
    func insert(_ user: NewUser) throws -> UserID {
        let rows = try connection.rows(
            """
            INSERT INTO users (uuid, login, login_key, username, hash_password, is_bot, is_hidden, email, avatar, bio,
                created_ms, skaro_secret)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (login_key) DO NOTHING
            RETURNING id
            """,
            [
                SQLValue(user.uuid), .text(user.login), .text(user.loginKey), .text(user.username),
                .text(user.passwordHash), SQLValue(user.isBot), SQLValue(user.isHidden), .text(user.email),
                .text(user.avatar), .text(user.bio), SQLValue(time), SQLValue(user.challengeSecret),
            ])
        guard let row = rows.first else { throw WriteRefusal.loginTaken }
        var reader = RowReader(row)
        let id = try reader.user()
        if let key = user.key {
            try connection.execute(
                "INSERT INTO user_keys (user_id, device, kind, public_key, created_ms) VALUES ($1, $2, $3, $4, $5)",
                [SQLValue(id), .text(key.device), .text(key.kind), .text(key.publicKey), SQLValue(time)])
        }
        return id
    }

    func insert(_ admin: NewAdmin, of user: UserID) throws(StorageError) {
        try connection.execute(
            "INSERT INTO admins (username, hash_password, created_ms, user_id) VALUES ($1, $2, $3, $4)",
            [.text(admin.username), .text(admin.passwordHash), SQLValue(time), SQLValue(user)])
    }

    func checkNoAdmin(_ username: String) throws {
        if try isAdmin(username) { throw WriteRefusal.adminExists }
    }

    func isAdmin(_ username: String) throws(StorageError) -> Bool {
        try !connection.rows("SELECT 1 FROM admins WHERE username = $1", [.text(username)]).isEmpty
    }

    /// A hidden account never shows in the updates of others.
    mutating func appendCreation(of user: NewUser, _ id: UserID) {
        append(user.isHidden ? .session : .user, of: id, "created")
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Changes fields of an account.
    package struct UpdateUser: LogWrite {
        let user: UserID
        let changes: UserChanges

        package init(_ user: UserID, _ changes: UserChanges) {
            self.user = user
            self.changes = changes
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            if let login = changes.login {
                let rows = try log.connection.rows(
                    "SELECT id FROM users WHERE login_key = $1 AND id <> $2", [.text(login.key), SQLValue(user)])
                guard rows.isEmpty else { throw WriteRefusal.loginTaken }
            }
            var statements: [SQLStatement] = []
            func set(_ sql: String, _ values: SQLValue...) {
                statements.append(SQLStatement(sql, values + [SQLValue(user)]))
            }
            if let login = changes.login {
                set("UPDATE users SET login = $1, login_key = $2 WHERE id = $3", .text(login.text), .text(login.key))
            }
            if let username = changes.username { set("UPDATE users SET username = $1 WHERE id = $2", .text(username)) }
            if let email = changes.email { set("UPDATE users SET email = $1 WHERE id = $2", .text(email)) }
            if let avatar = changes.avatar { set("UPDATE users SET avatar = $1 WHERE id = $2", .text(avatar)) }
            if let bio = changes.bio { set("UPDATE users SET bio = $1 WHERE id = $2", .text(bio)) }
            if let isBot = changes.isBot { set("UPDATE users SET is_bot = $1 WHERE id = $2", SQLValue(isBot)) }
            _ = try log.connection.rows(pipelined: statements)
            log.append(.user, of: user, "changed")
        }
    }
}

/// What to change of an account; `nil` leaves a field as it is.
package struct UserChanges: Sendable {
    package var login: (text: String, key: String)?
    package var username: String?
    package var email: String?
    package var avatar: String?
    package var bio: String?
    package var isBot: Bool?

    package init(
        login: (text: String, key: String)? = nil, username: String? = nil, email: String? = nil,
        avatar: String? = nil, bio: String? = nil, isBot: Bool? = nil
    ) {
        self.login = login
        self.username = username
        self.email = email
        self.avatar = avatar
        self.bio = bio
        self.isBot = isBot
    }
}

extension LogTransaction {
    /// The account is there and not deleted.
    func checkAccount(_ user: UserID) throws {
        let rows = try connection.rows("SELECT deleted_ms FROM users WHERE id = $1", [SQLValue(user)])
        guard let row = rows.first else { throw WriteRefusal.noSuchUser }
        guard row == [.null] else { throw WriteRefusal.accountDeleted }
    }

    /// Confirms that an account named by another one is there.
    func checkOther(_ user: UserID) throws {
        // Its author learns only that there is no such account.
        do { try checkAccount(user) } catch is WriteRefusal { throw WriteRefusal.noSuchUser }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension LogTransaction {
    mutating func createUser(
        _ write: Write, _ user: NewUser, session: NewSession?, admin: NewAdmin?, invite: [UInt8]?
    ) throws(Failure) -> Receipt {
        if let admin { try checkNoAdmin(admin.username) }
        if let invite { try checkInvite(invite) }
        let rows = try storing {
            try connection.rows(
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
        }
        guard let row = rows.first else { throw .refusal(.loginTaken) }
        return try changing { log in
            var reader = RowReader(row)
            let id = try reader.user()
            let sessionRow: Int64? = if let session { try log.insert(session, of: id) } else { nil }
            if let admin { try log.insert(admin, of: id) }
            if let key = user.key { try log.insert(key, of: id) }
            if let invite { try log.consumeInvite(invite) }
            // A hidden account never shows in anybody's updates.
            let position = log.appendAccountEvent(
                write, user.isHidden ? .session : .user, subject: id.rawValue, content: LogEvent.what("created"))
            return Receipt(position: position, time: log.time, row: id.rawValue, sessionRow: sessionRow)
        }
    }

    mutating func updateUser(_ write: Write, _ user: UserID, _ changes: UserChanges) throws(Failure) -> Receipt {
        try checkAccount(user)
        if let login = changes.login {
            let rows = try storing {
                try connection.rows(
                    "SELECT id FROM users WHERE login_key = $1 AND id <> $2", [.text(login.key), SQLValue(user)])
            }
            guard rows.isEmpty else { throw .refusal(.loginTaken) }
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
        try storing { _ = try connection.rows(pipelined: statements) }
        return Receipt(
            position: appendAccountEvent(write, .user, subject: user.rawValue, content: LogEvent.what("changed")),
            time: time)
    }

    mutating func setPassword(
        _ write: Write, _ user: UserID, hash: String, keeping: SessionID?, challengeSecret: [UInt8]?
    ) throws(Failure) -> Receipt {
        try checkAccount(user)
        try storing {
            _ = try connection.rows(pipelined: [
                Self.passwordUpdate(user, hash),
                SQLStatement(
                    "UPDATE admins SET hash_password = $1 WHERE user_id = $2", [.text(hash), SQLValue(user)]),
                SQLStatement(
                    """
                    DELETE FROM admin_tokens
                    WHERE kind = 'panel' AND username IN (SELECT username FROM admins WHERE user_id = $1)
                    """, [SQLValue(user)]),
                // The old password's would still open the account.
                Self.challengeSecretUpdate(user, challengeSecret),
                SQLStatement(
                    "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL AND id <> $3",
                    [SQLValue(time), SQLValue(user), .int(keeping?.rawValue ?? 0)]),
            ])
        }
        return Receipt(
            position: appendAccountEvent(write, .session, subject: user.rawValue, content: LogEvent.what("password")),
            time: time)
    }

    mutating func upgradePasswordHash(
        _ write: Write, _ user: UserID, hash: String, replacing old: String?, challengeSecret: [UInt8]?
    ) throws(Failure) -> Receipt {
        try checkAccount(user)
        if let old, try !isPasswordHash(old, of: user) { return nothingDone }
        try storing {
            if let old {
                try connection.execute(
                    "UPDATE admins SET hash_password = $1 WHERE user_id = $2 AND hash_password = $3",
                    [.text(hash), SQLValue(user), .text(old)])
            }
            try connection.execute(Self.passwordUpdate(user, hash))
            if let challengeSecret { try connection.execute(Self.challengeSecretUpdate(user, challengeSecret)) }
        }
        return Receipt(
            position: appendAccountEvent(write, .session, subject: user.rawValue, content: LogEvent.what("rehashed")),
            time: time)
    }

    mutating func setChallengeSecret(
        _ write: Write, _ user: UserID, _ secret: [UInt8], verified: String?
    ) throws(Failure) -> Receipt {
        try checkAccount(user)
        if let verified, try !isPasswordHash(verified, of: user) { return nothingDone }
        try storing { try connection.execute(Self.challengeSecretUpdate(user, secret)) }
        return Receipt(
            position: appendAccountEvent(write, .session, subject: user.rawValue, content: LogEvent.what("resealed")),
            time: time)
    }

    /// Whether the stored hash is still `hash`: the password was not changed since that was read.
    private func isPasswordHash(_ hash: String, of user: UserID) throws(Failure) -> Bool {
        try storing {
            try !connection.rows(
                "SELECT 1 FROM users WHERE id = $1 AND hash_password = $2", [SQLValue(user), .text(hash)]
            ).isEmpty
        }
    }

    private static func challengeSecretUpdate(_ user: UserID, _ secret: [UInt8]?) -> SQLStatement {
        SQLStatement("UPDATE users SET skaro_secret = $1 WHERE id = $2", [SQLValue(secret), SQLValue(user)])
    }

    private static func passwordUpdate(_ user: UserID, _ hash: String) -> SQLStatement {
        SQLStatement(
            "UPDATE users SET hash_password = $1, salt = NULL, key = NULL WHERE id = $2",
            [.text(hash), SQLValue(user)])
    }

    /// The account's row stays for the messages that point to it; what was personal is overwritten.
    mutating func deleteUser(_ write: Write, _ user: UserID) throws(Failure) -> Receipt {
        try checkAccount(user)
        try storing {
            _ = try connection.rows(pipelined: [
                SQLStatement(
                    """
                    UPDATE users
                    SET login = $1, login_key = $2, username = $1, hash_password = 'deleted', salt = NULL, key = NULL,
                        email = '', avatar = '', bio = 'deleted', deleted_ms = $3, skaro_secret = NULL
                    WHERE id = $4
                    """,
                    [
                        .text(UserRecord.deletedName), .text("\u{1}deleted \(user.rawValue)"), SQLValue(time),
                        SQLValue(user),
                    ]),
                SQLStatement(
                    "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL",
                    [SQLValue(time), SQLValue(user)]),
                SQLStatement("DELETE FROM admins WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM contacts WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM contacts WHERE contact_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM user_keys WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM bridge_keys WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM cursors WHERE user_id = $1", [SQLValue(user)]),
            ])
        }
        return Receipt(
            position: appendAccountEvent(write, .user, subject: user.rawValue, content: LogEvent.what("deleted")),
            time: time)
    }

    // MARK: Sessions

    mutating func openSession(
        _ write: Write, _ user: UserID, _ session: NewSession, verified: String?
    ) throws(Failure) -> Receipt {
        try checkAccount(user)
        if let verified, try !isPasswordHash(verified, of: user) { throw .refusal(.passwordChanged) }
        return try changing { log in
            let id = try log.insert(session, of: user)
            let position = log.appendAccountEvent(
                write, .session, subject: user.rawValue, content: LogEvent.sessionOpened)
            return Receipt(position: position, time: log.time, row: id)
        }
    }

    private func insert(_ key: NewKey, of user: UserID) throws(StorageError) {
        try connection.execute(
            "INSERT INTO user_keys (user_id, device, kind, public_key, created_ms) VALUES ($1, $2, $3, $4, $5)",
            [SQLValue(user), .text(key.device), .text(key.kind), .text(key.publicKey), SQLValue(time)])
    }

    private mutating func insert(_ session: NewSession, of user: UserID) throws(StorageError) -> Int64 {
        let lifetime = Timestamp(seconds: session.lifetimeSeconds).milliseconds
        let expires = time.milliseconds.addingReportingOverflow(lifetime)
        let rows = try connection.rows(
            """
            INSERT INTO sessions (id, user_id, token_hash, protocol, address, created_ms, last_seen_ms, expires_ms, node,
                device, ends_with_connection)
            VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)
            RETURNING id
            """,
            [
                .int(nextSession()), SQLValue(user), .bytes(session.tokenHash), .text(session.protocol),
                .text(session.address), SQLValue(time), .int(expires.overflow ? .max : expires.partialValue),
                .int(session.node.rawValue), .text(session.device), SQLValue(session.endsWithConnection),
            ])
        guard let row = rows.first else {
            throw StorageError(.writeFailed, "The session could not be stored. Try again.")
        }
        var reader = RowReader(row)
        return try reader.int()
    }

    mutating func revokeSessions(_ write: Write, _ user: UserID, _ session: SessionID?) throws(Failure) -> Receipt {
        let changed = try storing {
            if let session {
                try connection.execute(
                    "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND id = $3 AND revoked_ms IS NULL",
                    [SQLValue(time), SQLValue(user), .int(session.rawValue)])
            } else {
                try connection.execute(
                    "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL",
                    [SQLValue(time), SQLValue(user)])
            }
        }
        if session != nil, changed == 0 { throw .refusal(.noSuchSession) }
        return Receipt(
            position: appendAccountEvent(write, .session, subject: user.rawValue, content: LogEvent.what("ended")),
            time: time)
    }

    // MARK: Checks

    /// The account is there and not deleted.
    func checkAccount(_ user: UserID) throws(Failure) {
        let rows = try storing { try connection.rows("SELECT deleted_ms FROM users WHERE id = $1", [SQLValue(user)]) }
        guard let row = rows.first else { throw .refusal(.noSuchUser) }
        guard row == [.null] else { throw .refusal(.accountDeleted) }
    }
}

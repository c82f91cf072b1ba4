// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension LogTransaction {
    mutating func createAdmin(_ write: Write, _ admin: NewAdmin) throws(Failure) -> Receipt {
        try checkNoAdmin(admin.username)
        try storing { try insert(admin, of: nil) }
        return adminEvent(write, "created")
    }

    func insert(_ admin: NewAdmin, of user: UserID?) throws(StorageError) {
        try connection.execute(
            "INSERT INTO admins (username, hash_password, created_ms, user_id) VALUES ($1, $2, $3, $4)",
            [
                .text(admin.username), .text(admin.passwordHash), SQLValue(time),
                user.map { SQLValue($0) } ?? .null,
            ])
    }

    mutating func deleteAdmin(_ write: Write, username: String) throws(Failure) -> Receipt {
        let changed = try storing {
            try connection.execute("DELETE FROM admins WHERE username = $1", [.text(username)])
        }
        guard changed > 0 else { throw .refusal(.noSuchAdmin) }
        return adminEvent(write, "deleted")
    }

    /// Puts a sealed secret in place of the one of an administrator's second factor; `nil` for none.
    mutating func setTOTP(_ write: Write, of username: String, _ secret: [UInt8]?) throws(Failure) -> Receipt {
        let changed = try storing {
            try connection.execute(
                "UPDATE admins SET totp_secret = $1, totp_step = 0 WHERE username = $2",
                [SQLValue(secret), .text(username)])
        }
        guard changed > 0 else { throw .refusal(.noSuchAdmin) }
        return adminEvent(write, "second factor")
    }

    // MARK: Tokens

    /// Also removes logins to the panel that have expired.
    mutating func createAdminToken(_ write: Write, _ token: NewAdminToken) throws(Failure) -> Receipt {
        guard try isAdmin(token.administrator) else { throw .refusal(.noSuchAdmin) }
        let taken = try storing {
            try connection.rows(
                "SELECT 1 FROM admin_tokens WHERE kind = 'api' AND name = $1 AND revoked_ms IS NULL",
                [.text(token.name)])
        }
        guard token.kind != .api || taken.isEmpty else { throw .refusal(.tokenNameTaken) }
        let expires = time.milliseconds.addingReportingOverflow(
            Timestamp(seconds: token.lifetimeSeconds).milliseconds)
        try storing {
            try connection.post([
                SQLStatement(
                    "DELETE FROM admin_tokens WHERE kind = 'panel' AND expires_ms <= $1", [SQLValue(time)]),
                SQLStatement(
                    """
                    INSERT INTO admin_tokens (token_hash, kind, name, username, can_write, created_ms, expires_ms)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    [
                        .bytes(token.hash), .text(token.kind.rawValue), .text(token.name),
                        .text(token.administrator), SQLValue(token.canWrite), SQLValue(time),
                        .int(expires.overflow ? .max : expires.partialValue),
                    ]),
            ])
        }
        return adminEvent(write, "token")
    }

    mutating func revokeAdminToken(_ write: Write, _ hash: [UInt8]) throws(Failure) -> Receipt {
        let changed = try storing {
            try connection.execute(
                "UPDATE admin_tokens SET revoked_ms = $1 WHERE token_hash = $2 AND revoked_ms IS NULL",
                [SQLValue(time), .bytes(hash)])
        }
        guard changed > 0 else { throw .refusal(.noSuchSession) }
        return adminEvent(write, "token revoked")
    }

    // MARK: The audit

    /// An event that has no other content than the record of its write.
    mutating func appendRecord(_ write: Write) -> Receipt { adminEvent(write, "recorded") }

    private mutating func adminEvent(_ write: Write, _ word: StaticString) -> Receipt {
        Receipt(
            position: appendAccountEvent(write, .admin, subject: nil, content: LogEvent.what(word)), time: time)
    }

    // MARK: Checks

    func checkNoAdmin(_ username: String) throws(Failure) {
        if try isAdmin(username) { throw .refusal(.adminExists) }
    }

    private func isAdmin(_ username: String) throws(Failure) -> Bool {
        try storing {
            try !connection.rows("SELECT 1 FROM admins WHERE username = $1", [.text(username)]).isEmpty
        }
    }
}

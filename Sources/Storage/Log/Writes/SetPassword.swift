// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Gives an account another password and revokes its sessions.
    package struct SetPassword: LogWrite {
        let user: UserID
        let hash: String
        let keeping: SessionID?
        let challengeSecret: [UInt8]?

        /// `challengeSecret` takes the place of the old password's, also if it is `nil`; the session `keeping` stays.
        package init(_ user: UserID, hash: String, keeping: SessionID?, challengeSecret: [UInt8]? = nil) {
            self.user = user
            self.hash = hash
            self.keeping = keeping
            self.challengeSecret = challengeSecret
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            _ = try log.connection.rows(pipelined: [
                LogTransaction.passwordUpdate(user, hash),
                SQLStatement("UPDATE admins SET hash_password = $1 WHERE user_id = $2", [.text(hash), SQLValue(user)]),
                SQLStatement(
                    """
                    DELETE FROM admin_tokens
                    WHERE kind = 'panel' AND username IN (SELECT username FROM admins WHERE user_id = $1)
                    """, [SQLValue(user)]),
                // The old password's would still open the account.
                LogTransaction.challengeSecretUpdate(user, challengeSecret),
                SQLStatement(
                    "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL AND id <> $3",
                    [SQLValue(log.time), SQLValue(user), .int(keeping?.rawValue ?? 0)]),
            ])
            log.append(.session, of: user, "password")
        }
    }
}

extension LogTransaction {
    static func passwordUpdate(_ user: UserID, _ hash: String) -> SQLStatement {
        SQLStatement("UPDATE users SET hash_password = $1 WHERE id = $2", [.text(hash), SQLValue(user)])
    }

    static func challengeSecretUpdate(_ user: UserID, _ secret: [UInt8]?) -> SQLStatement {
        SQLStatement("UPDATE users SET skaro_secret = $1 WHERE id = $2", [SQLValue(secret), SQLValue(user)])
    }

    /// Whether the stored hash is still `hash`: the password was not changed since that was read.
    func isPasswordHash(_ hash: String, of user: UserID) throws(StorageError) -> Bool {
        try !connection.rows(
            "SELECT 1 FROM users WHERE id = $1 AND hash_password = $2", [SQLValue(user), .text(hash)]
        ).isEmpty
    }
}

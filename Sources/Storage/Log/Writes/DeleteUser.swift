// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Deletes an account: its row stays for the messages that point to it, what was personal is overwritten.
    package struct DeleteUser: LogWrite {
        let user: UserID

        package init(_ user: UserID) {
            self.user = user
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            _ = try log.connection.rows(pipelined: [
                SQLStatement(
                    """
                    UPDATE users
                    SET login = $1, login_key = $2, username = $1, hash_password = 'deleted', email = '',
                        avatar = '', bio = 'deleted', deleted_ms = $3, skaro_secret = NULL
                    WHERE id = $4
                    """,
                    [
                        .text(UserRecord.deletedName), .text("\u{1}deleted \(user.rawValue)"), SQLValue(log.time),
                        SQLValue(user),
                    ]),
                SQLStatement(
                    "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL",
                    [SQLValue(log.time), SQLValue(user)]),
                SQLStatement("UPDATE sessions SET address = '', device = '' WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM admins WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM contacts WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM contacts WHERE contact_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM user_keys WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM bridge_keys WHERE user_id = $1", [SQLValue(user)]),
                SQLStatement("DELETE FROM cursors WHERE user_id = $1", [SQLValue(user)]),
            ])
            log.append(.user, of: user, "deleted")
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension PostgresDialect {
    /// Which account an administrator is: both were made with the same salted hash.
    static let adminAccounts = [
        "ALTER TABLE admins ADD COLUMN user_id bigint NULL REFERENCES users (id) ON DELETE CASCADE",
        """
        UPDATE admins SET user_id = (
            SELECT u.id FROM users u WHERE u.hash_password = admins.hash_password AND u.deleted_ms IS NULL
            ORDER BY u.id
            LIMIT 1
        )
        """,
    ]
}

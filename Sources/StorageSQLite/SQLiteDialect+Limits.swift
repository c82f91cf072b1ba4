// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SQLiteDialect {
    /// Limits that accounts have of their own, what they have stored, and who owns flows.
    static let limits = [
        """
        CREATE TABLE account_limits (
            user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            limits TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE account_usage (
            user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            stored_bytes INTEGER NOT NULL CHECK (stored_bytes >= 0)
        )
        """,
        """
        INSERT INTO account_usage (user_id, stored_bytes)
        SELECT sender_id, CAST(sum(length(content)) AS BIGINT) FROM events
        WHERE type = 'message' AND sender_id IS NOT NULL
        GROUP BY sender_id
        """,
        "CREATE INDEX flows_owner ON flows (owner_id)",
    ]
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SQLiteDialect {
    /// Who did what as an administrator, their tokens and their second factors.
    static let audit = [
        // Each record holds the hash of the one before and its own.
        """
        CREATE TABLE audit (
            number INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
            time_ms INTEGER NOT NULL,
            actor TEXT NOT NULL,
            face TEXT NOT NULL,
            address TEXT NULL,
            operation TEXT NOT NULL,
            target TEXT NULL,
            parameters TEXT NOT NULL,
            refusal TEXT NULL,
            previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
            hash BLOB NOT NULL CHECK (length(hash) = 32)
        )
        """,
        // Where the chain ends, so that records that are missing at the end are missed.
        """
        CREATE TABLE audit_head (
            id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
            number INTEGER NOT NULL,
            hash BLOB NOT NULL CHECK (length(hash) = 32)
        )
        """,
        "INSERT INTO audit_head (id, number, hash) VALUES (1, 0, zeroblob(32))",
        """
        CREATE TABLE admin_tokens (
            token_hash BLOB NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
            kind TEXT NOT NULL CHECK (kind IN ('api', 'panel')),
            name TEXT NOT NULL,
            username TEXT NOT NULL REFERENCES admins (username) ON DELETE CASCADE,
            can_write INTEGER NOT NULL CHECK (can_write IN (0, 1)),
            created_ms INTEGER NOT NULL,
            expires_ms INTEGER NOT NULL,
            last_used_ms INTEGER NULL,
            revoked_ms INTEGER NULL
        )
        """,
        "CREATE UNIQUE INDEX admin_tokens_name ON admin_tokens (name) WHERE kind = 'api' AND revoked_ms IS NULL",
        "CREATE INDEX admin_tokens_username ON admin_tokens (username)",
        "ALTER TABLE admins ADD COLUMN totp_secret BLOB NULL",
        // The last time step of which a code was taken.
        "ALTER TABLE admins ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0",
    ]
}

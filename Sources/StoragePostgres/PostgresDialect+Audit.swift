// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension PostgresDialect {
    /// Who did what as an administrator, their tokens and their second factors.
    static let audit = [
        // Each record holds the hash of the one before and its own.
        """
        CREATE TABLE audit (
            number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
            time_ms bigint NOT NULL,
            actor text NOT NULL,
            face text NOT NULL,
            address text NULL,
            operation text NOT NULL,
            target text NULL,
            parameters text NOT NULL,
            refusal text NULL,
            previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
            hash bytea NOT NULL CHECK (length(hash) = 32)
        )
        """,
        // Where the chain ends, so that records that are missing at the end are missed.
        """
        CREATE TABLE audit_head (
            id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
            number bigint NOT NULL,
            hash bytea NOT NULL CHECK (length(hash) = 32)
        )
        """,
        "INSERT INTO audit_head (id, number, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'))",
        """
        CREATE TABLE admin_tokens (
            token_hash bytea NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
            kind text NOT NULL CHECK (kind IN ('api', 'panel')),
            name text NOT NULL,
            username text NOT NULL REFERENCES admins (username) ON DELETE CASCADE,
            can_write bigint NOT NULL CHECK (can_write IN (0, 1)),
            created_ms bigint NOT NULL,
            expires_ms bigint NOT NULL,
            last_used_ms bigint NULL,
            revoked_ms bigint NULL
        )
        """,
        "CREATE UNIQUE INDEX admin_tokens_name ON admin_tokens (name) WHERE kind = 'api' AND revoked_ms IS NULL",
        "CREATE INDEX admin_tokens_username ON admin_tokens (username)",
        "ALTER TABLE admins ADD COLUMN totp_secret bytea NULL",
        // The last time step of which a code was taken.
        "ALTER TABLE admins ADD COLUMN totp_step bigint NOT NULL DEFAULT 0",
    ]
}

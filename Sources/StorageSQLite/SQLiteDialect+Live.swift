// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SQLiteDialect {
    /// Contacts, keys, cursors, bodies for one reader, invites and nodes.
    static let live = [
        // A login that is a number is the account's number; no other account's can be below 1,000,000,000.
        """
        ALTER TABLE users ADD COLUMN fastchat_number INTEGER NOT NULL GENERATED ALWAYS AS (
            CASE
                WHEN length(login_key) BETWEEN 1 AND 9 AND login_key NOT GLOB '*[^0-9]*' AND login_key NOT GLOB '0?*'
                THEN CAST(login_key AS INTEGER)
                ELSE 1000000000 + id
            END) VIRTUAL
        """,
        "CREATE UNIQUE INDEX users_fastchat_number ON users (fastchat_number)",
        "ALTER TABLE users ADD COLUMN skaro_secret BLOB NULL",
        "ALTER TABLE sessions ADD COLUMN node INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE flows ADD COLUMN bridged INTEGER NOT NULL DEFAULT 0 CHECK (bridged IN (0, 1))",
        """
        CREATE TABLE contacts (
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            contact_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            created_ms INTEGER NOT NULL,
            PRIMARY KEY (user_id, contact_id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX contacts_holders ON contacts (contact_id, user_id)",
        """
        CREATE TABLE cursors (
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            device TEXT NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (user_id, device)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE user_keys (
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            device TEXT NOT NULL,
            kind TEXT NOT NULL,
            public_key TEXT NOT NULL,
            created_ms INTEGER NOT NULL,
            PRIMARY KEY (user_id, device, kind)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE bridge_keys (
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            public_key TEXT NOT NULL,
            sealed_private BLOB NOT NULL,
            created_ms INTEGER NOT NULL,
            PRIMARY KEY (user_id, kind)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE server_keys (
            name TEXT NOT NULL PRIMARY KEY,
            public_key TEXT NOT NULL,
            sealed_private BLOB NOT NULL,
            created_ms INTEGER NOT NULL
        )
        """,
        """
        CREATE TABLE event_bodies (
            position INTEGER NOT NULL,
            user_id INTEGER NOT NULL,
            body BLOB NOT NULL,
            key BLOB NOT NULL,
            PRIMARY KEY (position, user_id)
        )
        """,
        """
        CREATE TABLE invites (
            code_hash BLOB NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
            created_ms INTEGER NOT NULL,
            expires_ms INTEGER NULL,
            uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
            used INTEGER NOT NULL,
            revoked_ms INTEGER NULL,
            note TEXT NOT NULL
        )
        """,
        "CREATE INDEX invites_created ON invites (created_ms, code_hash)",
        // A number is not given out again, so that a session never seems to be on a node that took its place.
        """
        CREATE TABLE nodes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            protocols TEXT NOT NULL,
            started_ms INTEGER NOT NULL,
            heartbeat_ms INTEGER NOT NULL,
            draining INTEGER NOT NULL CHECK (draining IN (0, 1)),
            clients INTEGER NOT NULL,
            presence_version INTEGER NOT NULL DEFAULT 0
        )
        """,
        // Who is connected to a node, and who was: `version` is the node's `presence_version` of the last change.
        """
        CREATE TABLE node_presence (
            node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
            user_id INTEGER NOT NULL,
            online INTEGER NOT NULL CHECK (online IN (0, 1)),
            version INTEGER NOT NULL,
            PRIMARY KEY (node_id, user_id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX node_presence_versions ON node_presence (node_id, version)",
    ]
}

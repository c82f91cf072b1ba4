// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// SQLite's schema and the statements in which it differs from PostgreSQL.
package enum SQLiteDialect {
    package static let dialect = SQLDialect(
        name: "sqlite",
        migrations: [
            Migration("0001_spine", spine), Migration("0002_live", live), Migration("0003_intervals", intervals),
            Migration("0004_admin_accounts", adminAccounts), Migration("0006_limits", limits),
            Migration("0007_heads", heads), Migration("0008_audit", audit), Migration("0009_search", search),
            .passwords, .announcements(integer: "INTEGER", text: "TEXT"), .modes(text: "TEXT"),
        ],
        dropAllTables: [
            "admin_tokens", "audit_head", "audit", "account_usage", "account_limits", "log_steps", "node_presence",
            "nodes", "invites", "event_bodies",
            "server_keys", "bridge_keys", "user_keys", "cursors",
            "contacts", "search_removals",
            "message_search", "search_head", "blob_refs", "blobs", "events", "flow_members", "flow_heads", "flows",
            "admins",
            "sessions", "users", "log_head", "migrations",
        ].map { "DROP TABLE IF EXISTS \($0)" },
        migrationsTableExists: "SELECT 1 FROM pragma_table_info('migrations') WHERE name = 'identifier'",
        anyTableExists: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' LIMIT 1",
        pairs: """
            (SELECT json_extract(value, '$[0]') AS flow_id, json_extract(value, '$[1]') AS user_id FROM json_each($1))
            """,
        numbers: "(SELECT value AS number FROM json_each($1))",
        nowMilliseconds: "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
        place: "instr",
        databaseBytes: "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        search: SearchDialect(
            key: "rowid",
            // Looking for what is to be replaced costs a third of the rest.
            add: "INSERT INTO message_search (rowid, text) VALUES ($1, $2)",
            replace: "INSERT OR REPLACE INTO message_search (rowid, text) VALUES ($1, $2)",
            remove: "DELETE FROM message_search WHERE rowid = $1",
            match: """
                SELECT rowid FROM message_search
                WHERE message_search MATCH $1 AND rowid < $2
                ORDER BY rowid DESC
                LIMIT $3
                """,
            noteRemoval: "UPDATE search_head SET is_swept = 0 WHERE id = 1",
            isApart: true
        ),
        table: tables
    )

    /// Times are milliseconds since 1970; uuids are 16 bytes, big-endian; booleans are 0 and 1.
    private static let spine = [
        """
        CREATE TABLE log_head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            position INTEGER NOT NULL,
            time_ms INTEGER NOT NULL
        )
        """,
        "INSERT INTO log_head (id, position, time_ms) VALUES (1, 0, 0)",
        """
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
            login TEXT NOT NULL,
            login_key TEXT NOT NULL UNIQUE,
            username TEXT NOT NULL,
            hash_password TEXT NOT NULL,
            salt BLOB NULL,
            key BLOB NULL,
            is_bot INTEGER NOT NULL CHECK (is_bot IN (0, 1)),
            is_hidden INTEGER NOT NULL CHECK (is_hidden IN (0, 1)),
            email TEXT NOT NULL,
            avatar TEXT NOT NULL,
            bio TEXT NOT NULL,
            created_ms INTEGER NOT NULL,
            deleted_ms INTEGER NULL
        )
        """,
        """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
            protocol TEXT NOT NULL,
            address TEXT NOT NULL,
            created_ms INTEGER NOT NULL,
            last_seen_ms INTEGER NOT NULL,
            expires_ms INTEGER NOT NULL,
            revoked_ms INTEGER NULL
        )
        """,
        "CREATE INDEX sessions_user ON sessions (user_id)",
        "CREATE INDEX sessions_expires ON sessions (expires_ms)",
        """
        CREATE TABLE admins (
            username TEXT NOT NULL PRIMARY KEY,
            hash_password TEXT NOT NULL,
            created_ms INTEGER NOT NULL
        )
        """,
        """
        CREATE TABLE flows (
            id INTEGER PRIMARY KEY,
            uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
            flow_type TEXT NOT NULL CHECK (flow_type IN ('chat', 'group', 'channel')),
            title TEXT NOT NULL,
            info TEXT NOT NULL,
            owner_id INTEGER NOT NULL REFERENCES users (id),
            is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
            chat_low INTEGER NULL REFERENCES users (id),
            chat_high INTEGER NULL REFERENCES users (id),
            created_ms INTEGER NOT NULL,
            deleted_ms INTEGER NULL,
            event_count INTEGER NOT NULL,
            message_count INTEGER NOT NULL,
            head_position INTEGER NOT NULL,
            CHECK ((flow_type = 'chat') = (chat_low IS NOT NULL AND chat_high IS NOT NULL)),
            CHECK (chat_low < chat_high),
            UNIQUE (chat_low, chat_high)
        )
        """,
        "CREATE INDEX flows_created ON flows (created_ms)",
        "CREATE INDEX flows_title ON flows (title)",
        "CREATE INDEX flows_public ON flows (id) WHERE is_public = 1",
        """
        CREATE TABLE flow_members (
            flow_id INTEGER NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            joined_position INTEGER NOT NULL,
            left_position INTEGER NULL,
            PRIMARY KEY (flow_id, user_id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX flow_members_user ON flow_members (user_id, flow_id)",
        """
        CREATE TABLE events (
            position INTEGER PRIMARY KEY,
            flow_id INTEGER NULL REFERENCES flows (id) ON DELETE CASCADE,
            seq INTEGER NULL,
            number INTEGER NULL,
            uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
            type TEXT NOT NULL,
            state_key TEXT NULL,
            sender_id INTEGER NULL,
            time_ms INTEGER NOT NULL,
            content BLOB NOT NULL,
            replaces INTEGER NULL,
            replaced_by INTEGER NULL
        )
        """,
        "CREATE UNIQUE INDEX events_flow_seq ON events (flow_id, seq) WHERE flow_id IS NOT NULL",
        "CREATE UNIQUE INDEX events_flow_number ON events (flow_id, number) WHERE number IS NOT NULL",
        "CREATE UNIQUE INDEX events_flow_position ON events (flow_id, position) WHERE flow_id IS NOT NULL",
        "CREATE INDEX events_replaces ON events (replaces) WHERE replaces IS NOT NULL",
        "CREATE INDEX events_account ON events (type, position) WHERE flow_id IS NULL",
        """
        CREATE TABLE blobs (
            sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
            bytes BLOB NOT NULL,
            created_ms INTEGER NOT NULL
        )
        """,
        """
        CREATE TABLE blob_refs (
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            sha256 BLOB NOT NULL REFERENCES blobs (sha256),
            PRIMARY KEY (position, name)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX blob_refs_sha256 ON blob_refs (sha256)",
        "CREATE TABLE search_head (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL)",
        "INSERT INTO search_head (id, position) VALUES (1, 0)",
        """
        CREATE VIRTUAL TABLE message_search USING fts5 (
            text,
            tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
        )
        """,
        "CREATE TABLE migrations (identifier TEXT NOT NULL PRIMARY KEY, applied_ms INTEGER NOT NULL)",
    ]
}

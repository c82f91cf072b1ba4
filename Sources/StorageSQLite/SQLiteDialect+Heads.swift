// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SQLiteDialect {
    /// What every message writes is narrow: heads of flows in a table of their own, events with fewer indexes, and with
    /// the protocol by which they came.
    static let heads = [
        """
        CREATE TABLE flow_heads (
            flow_id INTEGER NOT NULL PRIMARY KEY REFERENCES flows (id) ON DELETE CASCADE,
            is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
            event_count INTEGER NOT NULL,
            message_count INTEGER NOT NULL,
            head_position INTEGER NOT NULL
        )
        """,
        """
        INSERT INTO flow_heads (flow_id, is_public, event_count, message_count, head_position)
        SELECT id, CASE WHEN deleted_ms IS NULL THEN is_public ELSE 0 END, event_count, message_count, head_position
            FROM flows
        """,
        "ALTER TABLE flows DROP COLUMN event_count",
        "ALTER TABLE flows DROP COLUMN message_count",
        "ALTER TABLE flows DROP COLUMN head_position",
        "CREATE INDEX flow_heads_public ON flow_heads (head_position) WHERE is_public = 1",
        "CREATE INDEX flows_deleted ON flows (id) WHERE deleted_ms IS NOT NULL",
        // Which attachments are old is found without their bytes.
        "CREATE INDEX blobs_created ON blobs (created_ms, sha256)",
        // The writer takes the head of the log and finds the flow there: no foreign key says it again for each event.
        """
        CREATE TABLE events_anew (
            position INTEGER PRIMARY KEY,
            flow_id INTEGER NULL,
            seq INTEGER NULL,
            number INTEGER NULL,
            uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
            type TEXT NOT NULL,
            state_key TEXT NULL,
            sender_id INTEGER NULL,
            time_ms INTEGER NOT NULL,
            content BLOB NOT NULL,
            replaces INTEGER NULL,
            replaced_by INTEGER NULL,
            protocol TEXT NULL
        )
        """,
        """
        INSERT INTO events_anew (position, flow_id, seq, number, uuid, type, state_key, sender_id, time_ms, content,
            replaces, replaced_by)
        SELECT position, flow_id, seq, number, uuid, type, state_key, sender_id, time_ms, content, replaces, replaced_by
        FROM events
        ORDER BY position
        """,
        "DROP TABLE events",
        "ALTER TABLE events_anew RENAME TO events",
        "CREATE UNIQUE INDEX events_flow_number ON events (flow_id, number) WHERE number IS NOT NULL",
        "CREATE UNIQUE INDEX events_flow_position ON events (flow_id, position) WHERE flow_id IS NOT NULL",
        "CREATE INDEX events_replaces ON events (replaces) WHERE replaces IS NOT NULL",
        "CREATE INDEX events_account ON events (type, position) WHERE flow_id IS NULL",
    ]
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension PostgresDialect {
    /// What every message writes is narrow: heads of flows in a table of their own, events with fewer indexes, and with
    /// the protocol by which they came.
    static let heads = [
        """
        CREATE TABLE flow_heads (
            flow_id bigint NOT NULL PRIMARY KEY REFERENCES flows (id) ON DELETE CASCADE,
            is_public bigint NOT NULL CHECK (is_public IN (0, 1)),
            event_count bigint NOT NULL,
            message_count bigint NOT NULL,
            head_position bigint NOT NULL
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
        "ALTER TABLE events DROP CONSTRAINT events_flow_id_fkey, ADD COLUMN protocol text NULL",
        "DROP INDEX events_flow_seq",
    ]
}

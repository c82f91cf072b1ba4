// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension PostgresDialect {
    /// Memberships as intervals, row numbers that never return, and time that may step back.
    static let intervals = [
        // An account may be a member of a flow several times, one after the other.
        """
        CREATE TABLE flow_intervals (
            flow_id bigint NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
            user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            joined_position bigint NOT NULL,
            left_position bigint NULL,
            PRIMARY KEY (flow_id, user_id, joined_position),
            CHECK (left_position > joined_position)
        )
        """,
        """
        INSERT INTO flow_intervals (flow_id, user_id, joined_position, left_position)
        SELECT flow_id, user_id, joined_position, left_position FROM flow_members
        """,
        "DROP TABLE flow_members",
        "ALTER TABLE flow_intervals RENAME TO flow_members",
        "CREATE INDEX flow_members_user ON flow_members (user_id, flow_id)",
        "CREATE UNIQUE INDEX flow_members_now ON flow_members (flow_id, user_id) WHERE left_position IS NULL",
        // A row number that was given out is never given out again: these are the last ones. The log remembers those of
        // flows that were deleted.
        "ALTER TABLE log_head ADD COLUMN last_flow bigint NOT NULL DEFAULT 0",
        "ALTER TABLE log_head ADD COLUMN last_session bigint NOT NULL DEFAULT 0",
        """
        UPDATE log_head SET
            last_flow = (SELECT coalesce(max(id), 0) FROM (
                SELECT id FROM flows
                UNION ALL
                SELECT CAST(state_key AS BIGINT) FROM events
                WHERE flow_id IS NULL AND type = 'flow' AND state_key IS NOT NULL) given),
            last_session = (SELECT coalesce(max(id), 0) FROM sessions)
        """,
        // Where the log's time went back, because a clock had been far ahead: `before_ms` is the time until then.
        """
        CREATE TABLE log_steps (
            position bigint NOT NULL PRIMARY KEY,
            before_ms bigint NOT NULL,
            after_ms bigint NOT NULL
        )
        """,
        // Such a session ends with its connection, also when its server died.
        "ALTER TABLE sessions ADD COLUMN ends_with_connection bigint NOT NULL DEFAULT 0",
        "CREATE INDEX sessions_connections ON sessions (node, id) WHERE ends_with_connection = 1 AND revoked_ms IS "
            + "NULL",
    ]
}

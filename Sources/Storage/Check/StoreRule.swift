// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One thing that must be true of the stored data, and how it is made true again.
///
/// The statements are shared by both engines.
package struct StoreRule: Sendable {
    /// Such as `log_head.position`; stable.
    package var name: String
    /// What is the matter when it is broken: a sentence about the rows that were counted.
    package var problem: String
    /// Counts what breaks the rule.
    var count: String
    /// Makes it true; empty when only a backup helps.
    var fix: [String]
    /// Whether the search index has to be made anew.
    var needsNewIndex = false

    /// Whether `db check --fix` can do something about it.
    package var isFixable: Bool { !fix.isEmpty || needsNewIndex }
}

extension StoreRule {
    /// All rules but the engine's own, and those that need to look into contents.
    static let all = [logHead, numbers, missingHeads, heads] + gaps + orphans

    private static let logHead = StoreRule(
        name: "log_head.position", problem: "The head of the log lies before its last event.",
        count: """
            SELECT count(*) FROM log_head
            WHERE position < (SELECT coalesce(max(position), 0) FROM events)
            """,
        fix: [
            """
            UPDATE log_head SET position = (SELECT max(position) FROM events)
            WHERE position < (SELECT coalesce(max(position), 0) FROM events)
            """
        ])

    private static let numbers = StoreRule(
        name: "log_head.numbers", problem: "A number that is taken would be given to a new flow or session.",
        count: """
            SELECT count(*) FROM log_head
            WHERE last_flow < (SELECT coalesce(max(id), 0) FROM flows)
                OR last_session < (SELECT coalesce(max(id), 0) FROM sessions)
            """,
        fix: [
            """
            UPDATE log_head SET last_flow = (SELECT max(id) FROM flows)
            WHERE last_flow < (SELECT coalesce(max(id), 0) FROM flows)
            """,
            """
            UPDATE log_head SET last_session = (SELECT max(id) FROM sessions)
            WHERE last_session < (SELECT coalesce(max(id), 0) FROM sessions)
            """,
        ])

    private static let missingHeads = StoreRule(
        name: "flow_heads.missing", problem: "Flows have no counts.",
        count: "SELECT count(*) FROM flows f WHERE NOT EXISTS (SELECT 1 FROM flow_heads h WHERE h.flow_id = f.id)",
        fix: [
            """
            INSERT INTO flow_heads (flow_id, is_public, event_count, message_count, head_position)
            SELECT f.id, CASE WHEN f.deleted_ms IS NULL THEN f.is_public ELSE 0 END,
                (SELECT coalesce(max(e.seq) + 1, 0) FROM events e WHERE e.flow_id = f.id),
                (SELECT coalesce(max(e.number) + 1, 0) FROM events e WHERE e.flow_id = f.id),
                (SELECT coalesce(max(e.position), 0) FROM events e WHERE e.flow_id = f.id)
            FROM flows f
            WHERE NOT EXISTS (SELECT 1 FROM flow_heads h WHERE h.flow_id = f.id)
            """
        ])

    /// Flows `f` that have all their events: a deleted one loses them some at a time, and that of a hidden account
    /// loses its messages after each check of the server, while their numbers stay given.
    private static let isWhole = """
        f.deleted_ms IS NULL
            AND NOT EXISTS (SELECT 1 FROM users o WHERE o.id = f.owner_id AND o.is_hidden = 1 AND f.is_public = 0)
        """

    private static let wrongHead = """
        flow_id IN (SELECT f.id FROM flows f WHERE \(isWhole)) AND (
            event_count <> (SELECT coalesce(max(e.seq) + 1, 0) FROM events e WHERE e.flow_id = flow_heads.flow_id)
            OR message_count <> (SELECT coalesce(max(e.number) + 1, 0)
                FROM events e WHERE e.flow_id = flow_heads.flow_id)
            OR head_position < (SELECT coalesce(max(e.position), 0) FROM events e WHERE e.flow_id = flow_heads.flow_id))
        """

    private static let heads = StoreRule(
        name: "flow_heads.counts", problem: "Flows have other counts than their events.",
        count: "SELECT count(*) FROM flow_heads WHERE \(wrongHead)",
        fix: [
            """
            UPDATE flow_heads SET
                event_count = (SELECT coalesce(max(e.seq) + 1, 0) FROM events e WHERE e.flow_id = flow_heads.flow_id),
                message_count = (SELECT coalesce(max(e.number) + 1, 0)
                    FROM events e WHERE e.flow_id = flow_heads.flow_id),
                head_position = (SELECT coalesce(max(e.position), 0) FROM events e WHERE e.flow_id = flow_heads.flow_id)
            WHERE \(wrongHead)
            """
        ])

    private static let gaps = [
        StoreRule(
            name: "events.numbering", problem: "Flows have gaps in the numbers of their events or messages.",
            count: """
                SELECT count(*) FROM (
                    SELECT e.flow_id FROM events e JOIN flows f ON f.id = e.flow_id
                    WHERE \(isWhole)
                    GROUP BY e.flow_id
                    HAVING count(DISTINCT e.seq) <> max(e.seq) + 1 OR min(e.seq) <> 0
                        OR count(e.number) <> coalesce(max(e.number), -1) + 1) flawed
                """, fix: []),
        StoreRule(
            name: "events.sender", problem: "Events are by accounts that do not exist.",
            count: """
                SELECT count(*) FROM events e
                WHERE e.sender_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = e.sender_id)
                """, fix: []),
        StoreRule(
            name: "events.replaced_by", problem: "Messages were edited or deleted by events that are missing.",
            count: """
                SELECT count(*) FROM events e JOIN flows f ON f.id = e.flow_id
                WHERE \(isWhole) AND e.replaced_by IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM events r WHERE r.position = e.replaced_by)
                """, fix: []),
        StoreRule(
            name: "blob_refs.blob", problem: "Messages refer to attachments that are missing.",
            count:
                "SELECT count(*) FROM blob_refs r WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.sha256 = r.sha256)",
            fix: []),
    ]

    private static let orphans =
        [("event_bodies", "Encrypted texts"), ("blob_refs", "References to attachments")].map { table, what in
            let isOrphan = "NOT EXISTS (SELECT 1 FROM events e WHERE e.position = \(table).position)"
            return StoreRule(
                name: "\(table).event", problem: "\(what) belong to no message.",
                count: "SELECT count(*) FROM \(table) WHERE \(isOrphan)",
                fix: ["DELETE FROM \(table) WHERE \(isOrphan)"])
        } + [
            StoreRule(
                name: "events.flow", problem: "Events belong to flows that do not exist.",
                count: """
                    SELECT count(*) FROM events
                    WHERE flow_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM flows f WHERE f.id = events.flow_id)
                    """,
                fix: [
                    """
                    DELETE FROM events
                    WHERE flow_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM flows f WHERE f.id = events.flow_id)
                    """
                ], needsNewIndex: true)
        ]
}

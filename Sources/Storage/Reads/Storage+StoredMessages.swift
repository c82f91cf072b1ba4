// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where a message is that is not deleted, and what it takes.
package struct StoredMessage: Sendable, Equatable {
    package var position: Position
    package var flow: FlowID
    package var kind: FlowRecord.Kind
    package var sender: UserID
    /// What it, its edits, what was encrypted of it and its attachments take.
    package var bytes: Int64

    /// The same of an event `e`, as SQL.
    static let bytesExpression = """
        length(e.content)
            + (SELECT coalesce(CAST(sum(length(c.content)) AS BIGINT), 0) FROM events c WHERE c.replaces = e.position)
            + (SELECT coalesce(CAST(sum(length(d.body)) AS BIGINT), 0)
                FROM event_bodies d WHERE d.position = e.position)
            + (SELECT coalesce(CAST(sum(length(b.bytes)) AS BIGINT), 0)
                FROM blob_refs p JOIN blobs b ON b.sha256 = p.sha256
                WHERE p.position = e.position)
        """

    package init(position: Position, flow: FlowID, kind: FlowRecord.Kind, sender: UserID, bytes: Int64) {
        self.position = position
        self.flow = flow
        self.kind = kind
        self.sender = sender
        self.bytes = bytes
    }
}

extension Storage {
    /// The messages between two positions that were sent before the time for their type of flow.
    package func expiredMessages(
        sentBefore limits: [FlowRecord.Kind: Timestamp], after low: Position, upTo high: Position
    ) async throws(StorageError) -> [StoredMessage] {
        let times = [FlowRecord.Kind.chat, .group, .channel].map {
            SQLValue(limits[$0] ?? Timestamp(milliseconds: .min))
        }
        return try await storedMessages(
            where: "e.time_ms < CASE f.flow_type WHEN 'chat' THEN $3 WHEN 'group' THEN $4 ELSE $5 END", times,
            after: low, upTo: high)
    }

    /// The messages between two positions that an account has sent.
    package func sentMessages(
        by user: UserID, after low: Position, upTo high: Position
    ) async throws(StorageError) -> [StoredMessage] {
        try await storedMessages(where: "e.sender_id = $3", [SQLValue(user)], after: low, upTo: high)
    }

    /// Those that are not deleted, in the order of the log; the arguments of `condition` begin with `$3`.
    private func storedMessages(
        where condition: String, _ arguments: [SQLValue], after low: Position, upTo high: Position
    ) async throws(StorageError) -> [StoredMessage] {
        try await read(.chores) { connection in
            let rows = try connection.rows(
                """
                SELECT e.position, e.flow_id, f.flow_type, e.sender_id, \(StoredMessage.bytesExpression)
                FROM events e
                JOIN flows f ON f.id = e.flow_id AND f.deleted_ms IS NULL
                LEFT JOIN events r ON r.position = e.replaced_by
                WHERE e.position > $1 AND e.position <= $2 AND e.number IS NOT NULL AND \(condition)
                    AND (r.type IS NULL OR r.type <> 'deletion')
                ORDER BY e.position
                """, [SQLValue(low), SQLValue(high)] + arguments)
            return try rows.map { row in
                var reader = RowReader(row)
                return StoredMessage(
                    position: try reader.position(), flow: try reader.flow(),
                    kind: FlowRecord.Kind(rawValue: try reader.text()) ?? .group, sender: try reader.user(),
                    bytes: try reader.int())
            }
        }
    }

    /// The position after which every event is later than `time`.
    package func position(ofLastAtOrBefore time: Timestamp) async throws(StorageError) -> Position {
        try await read(.chores) { connection in try Self.position(ofLastAtOrBefore: time, on: connection) }
    }

    static func position(
        ofLastAtOrBefore time: Timestamp, on connection: any SQLConnection
    ) throws(StorageError) -> Position {
        let next = time.milliseconds.addingReportingOverflow(1)
        let until = try position(
            before: Timestamp(milliseconds: next.overflow ? .max : next.partialValue), on: connection)
        let isEarlierAgain = try !connection.rows(
            "SELECT 1 FROM log_steps WHERE position > $1 AND after_ms <= $2 LIMIT 1",
            [SQLValue(until), SQLValue(time)]
        ).isEmpty
        return isEarlierAgain ? try head(on: connection) : until
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    private static let cursorInsertion = SQLInsertion(
        into: "cursors", columns: [("user_id", .int), ("device", .text), ("position", .int)],
        onConflict: """
            ON CONFLICT (user_id, device) DO UPDATE SET position = excluded.position
            WHERE excluded.position > cursors.position
            """)

    /// Notes how far devices have read, and when sessions were last used, beside the log, at most 1,000 of each in one
    /// transaction.
    ///
    /// No cursor goes back. `node` is where the sessions are now; `nil` leaves what is known. Those in `left` are
    /// nowhere. A session is not seen before it was, unless that was by a clock that was far ahead.
    package func saveCursors(
        _ cursors: [DeviceCursor], seen: [SessionID: Timestamp] = [:], node: NodeID? = nil,
        left: [SessionID: Timestamp] = [:]
    ) async throws(StorageError) {
        struct Device: Hashable {
            var user: UserID
            var device: String
        }
        let latest = Dictionary(
            cursors.map { (Device(user: $0.user, device: $0.device), $0.position) }, uniquingKeysWith: max)
        // In one order everywhere, so that two nodes never wait for each other.
        let rows = latest.sorted { ($0.key.user, $0.key.device) < ($1.key.user, $1.key.device) }
            .map { [SQLValue($0.key.user), .text($0.key.device), SQLValue($0.value)] }
        let parts = Self.parts(of: rows)
        let updates = [sessionUpdates(seen, node: node), sessionUpdates(left, node: .unknown)]
        for index in 0..<max(parts.count, updates[0].count, updates[1].count) {
            try await write(.chores) { connection in
                if index < parts.count { try connection.insert(Self.cursorInsertion, rows: parts[index]) }
                try connection.post(updates.compactMap { index < $0.count ? $0[index] : nil })
            }
        }
    }

    /// How many rows of a chore one transaction has, so that no commit waits long for it.
    private static let maximumPart = 1000

    private static func parts<Row>(of rows: [Row]) -> [[Row]] {
        stride(from: 0, to: rows.count, by: maximumPart).map { start in
            Array(rows[start..<min(start + maximumPart, rows.count)])
        }
    }

    private func sessionUpdates(_ seen: [SessionID: Timestamp], node: NodeID?) -> [SQLStatement] {
        Self.parts(of: seen.sorted { $0.key.rawValue < $1.key.rawValue }).map { part in
            let list = part.map { "[\($0.key.rawValue),\($0.value.milliseconds)]" }.joined(separator: ",")
            return SQLStatement(
                """
                WITH seen AS (SELECT p.flow_id AS session_id, p.user_id AS time_ms FROM \(engine.dialect.pairs) p)
                UPDATE sessions SET last_seen_ms = seen.time_ms, node = coalesce($2, node)
                FROM seen
                WHERE sessions.id = seen.session_id
                    AND (sessions.last_seen_ms <= seen.time_ms
                        OR sessions.last_seen_ms > seen.time_ms + \(Timestamp.longestCorrection))
                """, [.text("[\(list)]"), SQLValue(node?.rawValue)])
        }
    }

    /// How far a device has read, if that was ever noted.
    package func cursor(of user: UserID, device: String) async throws(StorageError) -> Position? {
        try await read(.updates) { connection in try Self.cursor(of: user, device: device, on: connection) }
    }

    private static func cursor(
        of user: UserID, device: String, on connection: any SQLConnection
    ) throws(StorageError) -> Position? {
        let rows = try connection.rows(
            "SELECT position FROM cursors WHERE user_id = $1 AND device = $2", [SQLValue(user), .text(device)])
        guard let row = rows.first else { return nil }
        var reader = RowReader(row)
        return try reader.position()
    }

    /// How far all devices of an account have read.
    package func cursors(of user: UserID) async throws(StorageError) -> [DeviceCursor] {
        try await read(.updates) { connection in
            let rows = try connection.rows(
                "SELECT device, position FROM cursors WHERE user_id = $1 ORDER BY device", [SQLValue(user)])
            return try rows.map { row in
                var reader = RowReader(row)
                return DeviceCursor(user: user, device: try reader.text(), position: try reader.position())
            }
        }
    }

    // MARK: New devices

    /// Where a device begins to read: at its cursor, or, when it is new, at the account's creation, but at most
    /// `backlog` of the messages that it gets unasked before the log's end.
    ///
    /// An account that does not exist begins at the end.
    package func startPosition(
        of user: UserID, device: String, backlog: Int
    ) async throws(StorageError) -> Position {
        let backlog = max(0, backlog)
        return try await read(.updates) { connection in
            if let cursor = try Self.cursor(of: user, device: device, on: connection) { return cursor }
            let head = try Self.head(on: connection)
            guard let row = try connection.rows("SELECT created_ms FROM users WHERE id = $1", [SQLValue(user)]).first
            else { return head }
            var reader = RowReader(row)
            let created = try Self.position(before: try reader.time(), on: connection)
            let ranges = try Self.readable(by: user, after: created, upTo: head, .pushed, on: connection).ranges
            return try Self.position(ofLast: backlog + 1, in: ranges, on: connection) ?? created
        }
    }

    /// Where the last message but so many of some parts of flows is; `nil` if they have fewer.
    ///
    /// The parts that end last are read first, and of the others only what follows the messages found by then.
    private static func position(
        ofLast count: Int, in ranges: [FlowRange], on connection: any SQLConnection
    ) throws(StorageError) -> Position? {
        var newest: [Position] = []
        var rest = ranges.sorted { $0.upTo > $1.upTo }[...]
        var step = 1
        while let next = rest.first {
            let known = newest.count == count ? newest[count - 1] : .start
            guard next.upTo > known else { break }
            let statements = rest.prefix(step).map { range in
                SQLStatement(
                    """
                    SELECT position FROM events
                    WHERE flow_id = $1 AND position > $2 AND position <= $3 AND number IS NOT NULL
                    ORDER BY position DESC
                    LIMIT $4
                    """,
                    [.int(range.flow), SQLValue(max(range.after, known)), SQLValue(range.upTo), SQLValue(limit: count)])
            }
            rest = rest.dropFirst(step)
            step = min(step * 2, 64)
            for row in try connection.rows(pipelined: statements).joined() {
                var reader = RowReader(row)
                newest.append(try reader.position())
            }
            newest = Array(newest.sorted(by: >).prefix(count))
        }
        return newest.count == count ? newest[count - 1] : nil
    }
}

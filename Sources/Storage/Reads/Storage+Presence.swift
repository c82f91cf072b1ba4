// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What changed of who is connected to a node.
package struct NodePresence: Sendable, Equatable {
    package var node: NodeID
    /// Names the state after these changes.
    package var version: Int64
    package var came: [UserID]
    package var went: [UserID]
}

extension Storage {
    /// Notes who came to a node and who went.
    ///
    /// - Returns: Whether the node is in the list; if not, nothing is noted.
    package func notePresence(
        on node: NodeID, came: [UserID], went: [UserID]
    ) async throws(StorageError) -> Bool {
        try await write(.chores) { connection in
            let rows = try connection.rows(
                "UPDATE nodes SET presence_version = presence_version + 1 WHERE id = $1 RETURNING presence_version",
                [.int(node.rawValue)])
            guard let row = rows.first else { return false }
            var reader = RowReader(row)
            let version = try reader.int()
            for (users, isOnline) in [(came, true), (went, false)] where !users.isEmpty {
                // The list comes first: SQLite counts parameters as they appear. Without a condition it takes the
                // conflict clause for one of a join.
                try connection.execute(
                    """
                    WITH users AS (SELECT n.number AS id FROM \(self.engine.dialect.numbers) n)
                    INSERT INTO node_presence (node_id, user_id, online, version)
                    SELECT $2, users.id, $3, $4 FROM users WHERE 1 = 1
                    ON CONFLICT (node_id, user_id) DO UPDATE SET online = excluded.online, version = excluded.version
                    """,
                    [.numbers(users.map(\.rawValue)), .int(node.rawValue), SQLValue(isOnline), .int(version)])
            }
            return true
        }
    }

    /// What changed of who is connected to the nodes but `own` since the versions that are `known`.
    ///
    /// Every node is listed, also without changes, but for those whose last heartbeat is older than `limit`: who is
    /// connected to these is not known.
    package func presence(
        after known: [NodeID: Int64], except own: NodeID, silentFor limit: Duration
    ) async throws(StorageError) -> [NodePresence] {
        let now = engine.dialect.nowMilliseconds
        let milliseconds = limit.components.seconds * 1000
        return try await read(.chores) { connection in
            let rows = try connection.rows(
                """
                SELECT id, presence_version FROM nodes
                WHERE id <> $1 AND heartbeat_ms >= \(now) - $2 AND heartbeat_ms <= \(now) + $3
                ORDER BY id
                """, [.int(own.rawValue), .int(milliseconds), .int(Timestamp.longestCorrection)])
            return try rows.map { row in
                var reader = RowReader(row)
                let node = NodeID(try reader.int())
                let version = try reader.int()
                var presence = NodePresence(node: node, version: version, came: [], went: [])
                let last = known[node] ?? 0
                guard version > last else { return presence }
                let changes = try connection.rows(
                    """
                    SELECT user_id, online FROM node_presence WHERE node_id = $1 AND version > $2 AND version <= $3
                    """, [.int(node.rawValue), .int(last), .int(version)])
                for change in changes {
                    var reader = RowReader(change)
                    let user = try reader.user()
                    if try reader.bool() { presence.came.append(user) } else { presence.went.append(user) }
                }
                return presence
            }
        }
    }
}

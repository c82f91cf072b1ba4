// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// Removes what a hidden account wrote in private flows of its own, at most `limit` events, and those of its
    /// sessions that have ended.
    ///
    /// Numbers that were given to messages stay given.
    ///
    /// - Returns: How many events were removed.
    package func removeTraces(ofHidden user: UserID, limit: Int = 1000) async throws(StorageError) -> Int {
        let now = currentTime()
        return try await write(.chores) { connection in
            let events = try connection.rows(
                """
                SELECT e.position
                FROM users u
                JOIN flow_members m ON m.user_id = u.id
                JOIN flows f ON f.id = m.flow_id AND f.owner_id = u.id AND f.is_public = 0
                JOIN events e ON e.flow_id = f.id AND e.sender_id = u.id
                WHERE u.id = $1 AND u.is_hidden = 1 AND e.type IN ('message', 'edit', 'deletion')
                LIMIT $2
                """, [SQLValue(user), SQLValue(limit: limit)])
            if !events.isEmpty { try self.removeEvents(at: events, on: connection) }
            try connection.execute(
                """
                DELETE FROM sessions
                WHERE user_id = (SELECT id FROM users WHERE id = $1 AND is_hidden = 1)
                    AND (revoked_ms IS NOT NULL OR expires_ms <= $2)
                """, [SQLValue(user), SQLValue(now)])
            return events.count
        }
    }
}

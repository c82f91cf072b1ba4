// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// Those of `sessions` that are neither revoked nor expired, and whose account is not deleted: one query, however
    /// many.
    package func liveSessions(among sessions: some Collection<SessionID>) async throws(StorageError) -> Set<SessionID> {
        let list = SQLValue.numbers(sessions.map(\.rawValue))
        let now = currentTime()
        return try await read(.chores) { connection in
            let rows = try connection.rows(
                """
                SELECT s.id FROM \(self.engine.dialect.numbers) n
                JOIN sessions s ON s.id = n.number
                JOIN users u ON u.id = s.user_id
                WHERE s.revoked_ms IS NULL AND s.expires_ms > $2 AND u.deleted_ms IS NULL
                """, [list, SQLValue(now)])
            var live: Set<SessionID> = []
            for row in rows {
                var reader = RowReader(row)
                live.insert(SessionID(try reader.int()))
            }
            return live
        }
    }

    /// The accounts that events after `position` say something new of: a session ended, a password or the account
    /// changed.
    ///
    /// - Parameters:
    ///   - position: Where the last look ended.
    ///   - limit: How many positions one look goes through.
    /// - Returns: The accounts, where this look ended, and whether the log goes on after that.
    /// - Throws: What the engine says.
    package func accountsWithEndedSessions(
        after position: Position, limit: Int
    ) async throws(StorageError) -> (users: Set<UserID>, end: Position, isCut: Bool) {
        try await read(.chores) { connection in
            // The head first: what is committed up to there is visible to the statement after it.
            let head = try Self.head(on: connection)
            let end = min(head, Position(position.rawValue + Int64(limit)))
            let rows = try connection.rows(
                """
                SELECT state_key FROM events
                WHERE position > $1 AND position <= $2 AND type IN ('session', 'user') AND content <> $3
                """, [SQLValue(position), SQLValue(end), .bytes(LogEvent.sessionOpened)])
            var users: Set<UserID> = []
            for row in rows {
                var reader = RowReader(row)
                if let user = try reader.optionalText().flatMap({ Int64($0) }) { users.insert(UserID(user)) }
            }
            return (users, max(position, end), end < head)
        }
    }
}

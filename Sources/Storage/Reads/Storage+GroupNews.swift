// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What happened to one account's place in a group or channel.
package struct GroupNews: Sendable, Equatable {
    package enum Change: Sendable, Equatable {
        /// The account became a member.
        case joined
        /// The account ceased to be one.
        case left
        /// The server began to open encrypted messages for others.
        case bridged
    }

    package var change: Change
    package var flow: FlowID
    package var position: Position
    package var time: Timestamp
    /// Who did it; `nil` for the operator.
    package var actor: UserID?
}

extension Storage {
    /// What happened to the places of an account in groups and channels after a position, in the order of the log.
    ///
    /// - Parameters:
    ///   - user: Whose places.
    ///   - after: Where the look begins.
    ///   - upTo: Where it ends for the opening of messages; joins and leaves are few and given to the end of the log.
    /// - Returns: Of each group every join and leave.
    /// - Throws: When the store cannot be read.
    package func groupNews(
        of user: UserID, after: Position, upTo: Position
    ) async throws(StorageError) -> [GroupNews] {
        try await read(.updates) { connection in
            let results = try connection.rows(pipelined: [
                SQLStatement(
                    Self.places("e.position = m.joined_position AND m.joined_position > $2"),
                    [SQLValue(user), SQLValue(after)]),
                SQLStatement(
                    Self.places("e.position = m.left_position AND m.left_position > $2"),
                    [SQLValue(user), SQLValue(after)]),
                SQLStatement(
                    Self.places(
                        """
                        e.flow_id = m.flow_id AND e.position > $2 AND e.position <= $3 AND e.type = 'flow'
                            AND e.content = $4 AND h.head_position > $2 AND m.left_position IS NULL
                        """),
                    [SQLValue(user), SQLValue(after), SQLValue(upTo), .bytes(LogEvent.flowBridged)]),
            ])
            var news: [GroupNews] = []
            for (rows, change) in zip(results, [GroupNews.Change.joined, .left, .bridged]) {
                for row in rows {
                    var reader = RowReader(row)
                    news.append(
                        GroupNews(
                            change: change, flow: try reader.flow(), position: try reader.position(),
                            time: try reader.time(), actor: try reader.optionalInt().map { UserID($0) }))
                }
            }
            return news.sorted { $0.position < $1.position }
        }
    }

    private static func places(_ condition: String) -> String {
        // SQLite numbers the parameters as they appear, so the first one is the first.
        """
        SELECT m.flow_id, e.position, e.time_ms, e.sender_id
        FROM flow_members m
        JOIN flows f ON f.id = m.flow_id AND m.user_id = $1 AND f.deleted_ms IS NULL AND f.flow_type <> 'chat'
        JOIN flow_heads h ON h.flow_id = f.id
        JOIN events e ON \(condition)
        """
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// What of the messages at these positions was encrypted for one account; those without are missing.
    ///
    /// In the order of the positions until `maximumPageBytes` are reached.
    package func bodies(
        at positions: [Position], for user: UserID
    ) async throws(StorageError) -> [Position: MessageBody] {
        let dialect = engine.dialect
        return try await read(.messages) { connection in
            let rows = try connection.rows(
                """
                SELECT position, length(body) + length(key) FROM event_bodies
                WHERE position IN (SELECT number FROM \(dialect.numbers) n) AND user_id = $2
                """, [.numbers(positions.map(\.rawValue)), SQLValue(user)])
            var sizes: [Position: Int64] = [:]
            for row in rows {
                var reader = RowReader(row)
                sizes[try reader.position()] = try reader.int()
            }
            let found = positions.filter { sizes[$0] != nil }
            let (count, _) = Self.pageRows(found.map { sizes[$0] ?? 0 })
            return try Self.bodies(at: Array(found.prefix(count)), for: user, dialect: dialect, on: connection)
        }
    }

    /// What of one message was encrypted for each of these accounts; those without are missing.
    package func bodies(at position: Position, for users: [UserID]) async throws(StorageError) -> [UserID: MessageBody]
    {
        guard !users.isEmpty else { return [:] }
        let list = SQLValue.numbers(users.map(\.rawValue))
        return try await read(.messages) { connection in
            let rows = try connection.rows(
                """
                SELECT b.user_id, b.body, b.key
                FROM \(self.engine.dialect.numbers) n
                JOIN event_bodies b ON b.position = $2 AND b.user_id = n.number
                """, [list, SQLValue(position)])
            var bodies: [UserID: MessageBody] = [:]
            for row in rows {
                var reader = RowReader(row)
                bodies[try reader.user()] = MessageBody(body: try reader.bytes(), key: try reader.bytes())
            }
            return bodies
        }
    }

    /// What of the messages at these positions was encrypted for one account.
    static func bodies(
        at positions: [Position], for user: UserID, dialect: SQLDialect, on connection: any SQLConnection
    ) throws(StorageError) -> [Position: MessageBody] {
        guard !positions.isEmpty else { return [:] }
        let rows = try connection.rows(
            """
            SELECT position, body, key FROM event_bodies
            WHERE position IN (SELECT number FROM \(dialect.numbers) n) AND user_id = $2
            """, [.numbers(positions.map(\.rawValue)), SQLValue(user)])
        var bodies: [Position: MessageBody] = [:]
        for row in rows {
            var reader = RowReader(row)
            bodies[try reader.position()] = MessageBody(body: try reader.bytes(), key: try reader.bytes())
        }
        return bodies
    }
}

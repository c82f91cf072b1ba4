// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// What of the messages at these positions was encrypted for one account; those without are missing.
    ///
    /// In the order of the positions until `maximumPageBytes` are reached.
    package func bodies(
        at positions: [Position], for user: UserID
    ) async throws(StorageError) -> [Position: MessageBody] {
        try await engine.read { (connection) throws(StorageError) in
            var sizes = try self.bodySizes(at: positions, for: user, on: connection)
            var bytes: Int64 = 0
            var wanted: [Position] = []
            for position in positions {
                guard let size = sizes.removeValue(forKey: position) else { continue }
                if bytes > Int64(Self.maximumPageBytes) { break }
                bytes += size
                wanted.append(position)
            }
            return try self.bodies(at: wanted, for: user, on: connection)
        }
    }

    /// What of one message was encrypted for each of these accounts; those without are missing.
    package func bodies(at position: Position, for users: [UserID]) async throws(StorageError) -> [UserID: MessageBody]
    {
        guard !users.isEmpty else { return [:] }
        let list = SQLValue.numbers(users.map(\.rawValue))
        return try await engine.read { (connection) throws(StorageError) in
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

    /// How many bytes an account's own part of the messages at these positions has, where it has one.
    func bodySizes(
        at positions: [Position], for user: UserID, on connection: any SQLConnection
    ) throws(StorageError) -> [Position: Int64] {
        guard !positions.isEmpty else { return [:] }
        let rows = try connection.rows(
            """
            SELECT b.position, length(b.body) + length(b.key)
            FROM \(engine.dialect.numbers) n
            JOIN event_bodies b ON b.position = n.number
            WHERE b.user_id = $2
            """, [.numbers(positions.map(\.rawValue)), SQLValue(user)])
        var sizes: [Position: Int64] = [:]
        for row in rows {
            var reader = RowReader(row)
            sizes[try reader.position()] = try reader.int()
        }
        return sizes
    }

    private func bodies(
        at positions: [Position], for user: UserID, on connection: any SQLConnection
    ) throws(StorageError) -> [Position: MessageBody] {
        guard !positions.isEmpty else { return [:] }
        let rows = try connection.rows(
            """
            SELECT b.position, b.body, b.key
            FROM \(engine.dialect.numbers) n
            JOIN event_bodies b ON b.position = n.number
            WHERE b.user_id = $2
            """, [.numbers(positions.map(\.rawValue)), SQLValue(user)])
        var bodies: [Position: MessageBody] = [:]
        for row in rows {
            var reader = RowReader(row)
            bodies[try reader.position()] = MessageBody(body: try reader.bytes(), key: try reader.bytes())
        }
        return bodies
    }

    /// Gives messages the reader's own part, where `sizes` says that there is one: one statement for all of them.
    func addBodies(
        to messages: inout [MessageRecord], for user: UserID, sizes: [Position: Int64],
        on connection: any SQLConnection
    ) throws(StorageError) {
        let positions = messages.map(\.position).filter { sizes[$0] != nil }
        let bodies = try bodies(at: positions, for: user, on: connection)
        guard !bodies.isEmpty else { return }
        for index in messages.indices { messages[index].body = bodies[messages[index].position] }
    }
}

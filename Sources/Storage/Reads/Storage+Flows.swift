// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// How a time compares with the one asked for.
package enum TimeComparison: Sendable {
    case exactly, atOrBefore, atOrAfter

    var sqlOperator: String {
        switch self {
        case .exactly: "="
        case .atOrBefore: "<="
        case .atOrAfter: ">="
        }
    }
}

extension Storage {
    static let flowColumns = """
        f.id, f.uuid, f.flow_type, f.title, f.info, f.owner_id, o.uuid, f.is_public, f.created_ms, h.event_count,
        h.message_count, h.head_position, f.bridged
        """
    static let flowTables = "flows f JOIN flow_heads h ON h.flow_id = f.id JOIN users o ON o.id = f.owner_id"

    static func flow(_ row: SQLRow) throws(StorageError) -> FlowRecord {
        var reader = RowReader(row)
        return FlowRecord(
            id: try reader.flow(), uuid: try reader.identifier(),
            kind: FlowRecord.Kind(rawValue: try reader.text()) ?? .group, title: try reader.text(),
            info: try reader.text(), owner: try reader.user(), ownerUUID: try reader.identifier(),
            isPublic: try reader.bool(), created: try reader.time(), eventCount: try reader.int(),
            messageCount: try reader.int(), head: try reader.position(), isBridged: try reader.bool())
    }

    private func flows(
        _ condition: String, _ arguments: [SQLValue], for kind: QueryKind = .flows
    ) async throws(StorageError) -> [FlowRecord] {
        try await read(kind) { connection in
            let rows = try connection.rows(
                "SELECT \(Self.flowColumns) FROM \(Self.flowTables) WHERE f.deleted_ms IS NULL AND \(condition)",
                arguments)
            return try rows.map { row in try Self.flow(row) }
        }
    }

    package func flow(_ id: FlowID) async throws(StorageError) -> FlowRecord? {
        try await flows("f.id = $1", [SQLValue(id)]).first
    }

    package func flow(uuid: Identifier) async throws(StorageError) -> FlowRecord? {
        try await flows("f.uuid = $1", [SQLValue(uuid)]).first
    }

    /// The one chat of two people, in whatever order they are named.
    package func chatFlow(between one: UserID, and other: UserID) async throws(StorageError) -> FlowRecord? {
        try await flows(
            "f.chat_low = $1 AND f.chat_high = $2", [SQLValue(min(one, other)), SQLValue(max(one, other))]
        ).first
    }

    /// All flows, by row number.
    package func flows(after: FlowID = FlowID(0), limit: Int) async throws(StorageError) -> [FlowRecord] {
        try await flows("f.id > $1 ORDER BY f.id LIMIT $2", [SQLValue(after), SQLValue(limit: limit)])
    }

    package func flows(
        title: String, after: FlowID = FlowID(0), limit: Int
    ) async throws(StorageError) -> [FlowRecord] {
        try await flows(
            "f.title = $1 AND f.id > $2 ORDER BY f.id LIMIT $3",
            [.text(title), SQLValue(after), SQLValue(limit: limit)])
    }

    /// Flows whose uuid, written in decimal, begins with these digits; of fewer than 39.
    package func flows(uuidPrefix digits: String, limit: Int) async throws(StorageError) -> [FlowRecord] {
        let ranges = Identifier.ranges(ofPrefix: digits)
        guard !ranges.isEmpty else { return [] }
        let condition = ranges.indices.map { "f.uuid BETWEEN $\(2 * $0 + 1) AND $\(2 * $0 + 2)" }
            .joined(separator: " OR ")
        return try await flows(
            "(\(condition)) ORDER BY f.id LIMIT $\(2 * ranges.count + 1)",
            ranges.flatMap { [SQLValue($0.first), SQLValue($0.last)] } + [SQLValue(limit: limit)])
    }

    package func flows(
        created comparison: TimeComparison, _ time: Timestamp, after: FlowID = FlowID(0), limit: Int
    ) async throws(StorageError) -> [FlowRecord] {
        try await flows(
            "f.created_ms \(comparison.sqlOperator) $1 AND f.id > $2 ORDER BY f.id LIMIT $3",
            [SQLValue(time), SQLValue(after), SQLValue(limit: limit)])
    }

    /// Not a flow of the server's own bots.
    private static let isShown =
        "NOT EXISTS (SELECT 1 FROM users h WHERE h.id = f.owner_id AND h.is_hidden = 1)"

    /// The flows that lists show, by row number: all but those of hidden accounts.
    ///
    /// Only those whose title has `title` in it (upper and lower case of ASCII letters are the same), and that were
    /// made at `created` or later; only row numbers up to `last`, if it is given.
    package func shownFlows(
        title: String? = nil, since created: Timestamp? = nil, after: FlowID = FlowID(0), through last: FlowID? = nil,
        limit: Int
    ) async throws(StorageError) -> [FlowRecord] {
        var condition = "f.id > $1 AND \(Self.isShown)"
        // Numbers in the order in which they first occur, as SQLite counts them.
        var arguments = [SQLValue(after)]
        if let last {
            arguments.append(SQLValue(last))
            condition += " AND f.id <= $\(arguments.count)"
        }
        if let created {
            arguments.append(SQLValue(created))
            condition += " AND f.created_ms >= $\(arguments.count)"
        }
        if let title {
            arguments.append(.text(title))
            condition += " AND \(engine.dialect.place)(lower(f.title), lower($\(arguments.count))) > 0"
        }
        arguments.append(SQLValue(limit: limit))
        return try await flows(
            "\(condition) ORDER BY f.id LIMIT $\(arguments.count)", arguments, for: .administration)
    }

    /// The highest row number of a flow; 0 when there is none.
    package func lastFlow() async throws(StorageError) -> FlowID {
        try await read(.administration) { connection in
            guard let row = try connection.rows("SELECT coalesce(max(id), 0) FROM flows").first else {
                return FlowID(0)
            }
            var reader = RowReader(row)
            return try reader.flow()
        }
    }

    /// The flows that an account sees: those it is a member of, and the public ones.
    package func flows(
        visibleTo user: UserID, after: FlowID = FlowID(0), limit: Int
    ) async throws(StorageError) -> [FlowRecord] {
        try await flows(
            """
            f.id IN (
                SELECT a.id FROM (
                    SELECT p.id FROM flows p
                    WHERE p.id > $1 AND p.is_public = 1 AND p.deleted_ms IS NULL
                    ORDER BY p.id LIMIT $2) a
                UNION ALL
                SELECT b.flow_id FROM (
                    SELECT m.flow_id FROM flow_members m
                    JOIN flows g ON g.id = m.flow_id AND g.deleted_ms IS NULL
                    WHERE m.flow_id > $1 AND m.user_id = $3 AND m.left_position IS NULL
                    ORDER BY m.flow_id LIMIT $2) b)
            ORDER BY f.id LIMIT $2
            """, [SQLValue(after), SQLValue(limit: limit), SQLValue(user)])
    }

    /// A flow with all its members now, as one moment has them.
    package func flowWithMembers(_ id: FlowID) async throws(StorageError) -> (flow: FlowRecord, members: [UserID])? {
        try await flowWithMembers("f.id = $1", SQLValue(id))
    }

    /// The same by its uuid.
    package func flowWithMembers(
        uuid: Identifier
    ) async throws(StorageError) -> (flow: FlowRecord, members: [UserID])? {
        try await flowWithMembers("f.uuid = $1", SQLValue(uuid))
    }

    private func flowWithMembers(
        _ condition: String, _ argument: SQLValue
    ) async throws(StorageError) -> (flow: FlowRecord, members: [UserID])? {
        try await read(.flows) { connection in
            let found = try connection.rows(
                "SELECT \(Self.flowColumns) FROM \(Self.flowTables) WHERE f.deleted_ms IS NULL AND \(condition)",
                [argument])
            guard let row = found.first else { return nil }
            let flow = try Self.flow(row)
            if flow.isPublic { return (flow, []) }
            let members = try connection.rows(
                "SELECT user_id FROM flow_members WHERE flow_id = $1 AND left_position IS NULL", [SQLValue(flow.id)])
            return (
                flow,
                try members.map { row in
                    var reader = RowReader(row)
                    return try reader.user()
                }
            )
        }
    }

    /// How many members each of these private flows has; those without are missing.
    package func memberCounts(of flows: [FlowID]) async throws(StorageError) -> [FlowID: Int] {
        guard !flows.isEmpty else { return [:] }
        let list = SQLValue.numbers(flows.map(\.rawValue))
        return try await read(.flows) { connection in
            let rows = try connection.rows(
                """
                SELECT flow_id, count(*) FROM flow_members
                WHERE flow_id IN (SELECT number FROM \(self.engine.dialect.numbers) n) AND left_position IS NULL
                GROUP BY flow_id
                """, [list])
            var counts: [FlowID: Int] = [:]
            for row in rows {
                var reader = RowReader(row)
                counts[try reader.flow()] = Int(try reader.int())
            }
            return counts
        }
    }

    /// The members of some private flows, by row number, with one statement.
    package func members(of flows: [FlowID]) async throws(StorageError) -> [FlowID: [Identifier]] {
        guard !flows.isEmpty else { return [:] }
        let list = SQLValue.numbers(flows.map(\.rawValue))
        return try await read(.flows) { connection in
            let rows = try connection.rows(
                """
                SELECT m.flow_id, u.uuid
                FROM flow_members m
                JOIN users u ON u.id = m.user_id
                WHERE m.flow_id IN (SELECT number FROM \(self.engine.dialect.numbers) n) AND m.left_position IS NULL
                ORDER BY m.flow_id, m.user_id
                """, [list])
            var members: [FlowID: [Identifier]] = [:]
            for row in rows {
                var reader = RowReader(row)
                members[try reader.flow(), default: []].append(try reader.identifier())
            }
            return members
        }
    }

    /// The members of a private flow, by row number.
    package func members(
        of flow: FlowID, after: UserID = UserID(0), limit: Int
    ) async throws(StorageError) -> [MemberRecord] {
        try await read(.flows) { connection in
            let rows = try connection.rows(
                """
                SELECT m.user_id, u.uuid, u.login
                FROM flow_members m
                JOIN users u ON u.id = m.user_id
                WHERE m.flow_id = $1 AND m.user_id > $2 AND m.left_position IS NULL
                ORDER BY m.user_id
                LIMIT $3
                """, [SQLValue(flow), SQLValue(after), SQLValue(limit: limit)])
            return try rows.map { row in
                var reader = RowReader(row)
                return MemberRecord(user: try reader.user(), uuid: try reader.identifier(), login: try reader.text())
            }
        }
    }

    /// The flows that an account is a member of now, by row number; public ones have no members.
    package func flows(
        of member: UserID, after: FlowID = FlowID(0), limit: Int
    ) async throws(StorageError) -> [FlowOutline] {
        try await read(.flows) { connection in
            let rows = try connection.rows(
                """
                SELECT f.id, f.uuid, f.flow_type, f.owner_id, f.is_public, f.bridged, h.head_position
                FROM flow_members m
                JOIN flows f ON f.id = m.flow_id
                JOIN flow_heads h ON h.flow_id = m.flow_id
                WHERE m.user_id = $1 AND m.flow_id > $2 AND m.left_position IS NULL AND f.deleted_ms IS NULL
                ORDER BY m.flow_id
                LIMIT $3
                """, [SQLValue(member), SQLValue(after), SQLValue(limit: limit)])
            return try rows.map { row in
                var reader = RowReader(row)
                return FlowOutline(
                    id: try reader.flow(), uuid: try reader.identifier(),
                    kind: FlowRecord.Kind(rawValue: try reader.text()) ?? .group, owner: try reader.user(),
                    isPublic: try reader.bool(), isBridged: try reader.bool(), head: try reader.position())
            }
        }
    }

    /// Counts of accounts, flows and messages.
    package func counts() async throws(StorageError) -> StorageCounts {
        try await read(.administration) { connection in
            let results = try connection.rows(pipelined: [
                SQLStatement("SELECT count(*) FROM users WHERE deleted_ms IS NULL AND is_hidden = 0"),
                SQLStatement("SELECT count(*) FROM flows f WHERE f.deleted_ms IS NULL AND \(Self.isShown)"),
                SQLStatement(
                    """
                    SELECT CAST(coalesce(sum(h.message_count), 0) AS BIGINT)
                    FROM flows f JOIN flow_heads h ON h.flow_id = f.id
                    WHERE f.deleted_ms IS NULL AND \(Self.isShown)
                    """),
            ])
            func number(_ index: Int) throws(StorageError) -> Int64 {
                guard let row = results[index].first else { return 0 }
                var reader = RowReader(row)
                return try reader.int()
            }
            return StorageCounts(users: try number(0), flows: try number(1), messages: try number(2))
        }
    }
}

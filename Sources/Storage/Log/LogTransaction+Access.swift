// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension LogTransaction {
    /// A flow and an account that wants to do something in it.
    struct Pair: Hashable {
        var flow: FlowID
        var user: UserID
    }

    /// What an account may do in a flow, as the batch finds it after taking the head.
    struct Access {
        var isMember: Bool
        var isOwner: Bool
        var accountDeleted: Bool
    }

    /// Asks for all pairs in one statement and remembers the flows' states.
    ///
    /// A pair whose flow does not exist is missing.
    mutating func access(of pairs: Set<Pair>) throws(StorageError) -> [Pair: Access] {
        try access(from: connection.rows(Self.accessStatement(pairs, dialect)))
    }

    /// What the author of the write may do in a flow; the operator counts as a stranger.
    mutating func accessOfAuthor(to flow: FlowID) throws -> (Access, FlowState) {
        let pair = Pair(flow: flow, user: origin.author ?? UserID(0))
        guard let access = try access(of: [pair])[pair], let state = state(of: flow) else {
            throw WriteRefusal.noSuchFlow
        }
        return (access, state)
    }

    static func accessStatement(_ pairs: Set<Pair>, _ dialect: SQLDialect) -> SQLStatement {
        let list = pairs.map { "[\($0.flow.rawValue),\($0.user.rawValue)]" }.joined(separator: ",")
        return SQLStatement(
            """
            SELECT p.flow_id, p.user_id, f.flow_type, f.is_public, f.owner_id, h.event_count, h.message_count,
                m.user_id, u.id, u.deleted_ms
            FROM \(dialect.pairs) p
            JOIN flows f ON f.id = p.flow_id AND f.deleted_ms IS NULL
            JOIN flow_heads h ON h.flow_id = p.flow_id
            LEFT JOIN flow_members m ON m.flow_id = p.flow_id AND m.user_id = p.user_id AND m.left_position IS NULL
            LEFT JOIN users u ON u.id = p.user_id
            """, [.text("[\(list)]")])
    }

    /// Reads the answer to `accessStatement`.
    mutating func access(from rows: [SQLRow]) throws(StorageError) -> [Pair: Access] {
        var found: [Pair: Access] = [:]
        for row in rows {
            var reader = RowReader(row)
            let pair = Pair(flow: try reader.flow(), user: try reader.user())
            let state = FlowState(
                kind: FlowRecord.Kind(rawValue: try reader.text()) ?? .group, isPublic: try reader.bool(),
                owner: try reader.user(), eventCount: try reader.int(), messageCount: try reader.int())
            let member = try reader.optionalInt()
            let account = try reader.optionalInt()
            let deleted = try reader.optionalInt()
            remember(state, of: pair.flow)
            found[pair] = Access(
                isMember: member != nil, isOwner: state.owner == pair.user,
                accountDeleted: account == nil || deleted != nil)
        }
        return found
    }

    /// What must be known of the flows and people of these messages.
    static func pairs(of writes: ArraySlice<Write>) -> Set<Pair> {
        var pairs: Set<Pair> = []
        for write in writes {
            guard case .message(let message) = write.action, let author = write.origin.author else { continue }
            pairs.insert(Pair(flow: message.flow, user: author))
            for body in message.bodies { pairs.insert(Pair(flow: message.flow, user: body.recipient)) }
        }
        return pairs
    }
}

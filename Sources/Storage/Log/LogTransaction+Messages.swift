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

    /// Refuses who may not write messages there: the rule of `Chat`, confirmed under the lock.
    private func writeRefusal(_ access: Access?, in flow: FlowID) -> WriteRefusal? {
        guard let access, let state = state(of: flow) else { return .noSuchFlow }
        if access.accountDeleted { return .accountDeleted }
        switch state.kind {
        case .chat: return access.isMember ? nil : .notMember
        case .group: return state.isPublic || access.isMember ? nil : .notMember
        case .channel:
            if access.isOwner { return nil }
            return state.isPublic || access.isMember ? .mayNotWrite : .notMember
        }
    }

    /// What must be known of the flows and people of these messages.
    static func pairs(of writes: ArraySlice<Write>) -> Set<Pair> {
        var pairs: Set<Pair> = []
        for write in writes {
            guard case .sendMessage(let flow, _, _, let bodies) = write.action, let author = write.author else {
                continue
            }
            pairs.insert(Pair(flow: flow, user: author))
            for body in bodies { pairs.insert(Pair(flow: flow, user: body.recipient)) }
        }
        return pairs
    }

    /// Appends a run of messages: one statement asks for the rights, one inserts the events.
    mutating func appendMessages(_ writes: ArraySlice<Write>) throws(StorageError) -> [WriteOutcome] {
        let access = if let first = firstAccess.take() { first } else { try access(of: Self.pairs(of: writes)) }
        var bodyRows: [SQLRow] = []

        var outcomes: [WriteOutcome] = []
        outcomes.reserveCapacity(writes.count)
        for write in writes {
            guard case .sendMessage(let flow, let content, let blobs, let bodies) = write.action,
                let author = write.author
            else {
                outcomes.append(.refused(.noSuchUser))
                continue
            }
            if let refusal = writeRefusal(access[Pair(flow: flow, user: author)], in: flow) {
                outcomes.append(.refused(refusal))
                continue
            }
            let event = appendFlowEvent(write, .message, to: flow, content: content)
            if !blobs.isEmpty { try store(blobs, at: event.position) }
            if !bodies.isEmpty { bodyRows += rows(of: bodies, at: event.position, in: flow, access: access) }
            outcomes.append(.done(Receipt(position: event.position, time: time, number: event.number)))
        }
        if !bodyRows.isEmpty { try connection.insert(Self.bodyInsertion, rows: bodyRows) }
        return outcomes
    }

    static let bodyInsertion = SQLInsertion(
        into: "event_bodies", columns: [("position", .int), ("user_id", .int), ("body", .bytes), ("key", .bytes)])

    /// The bodies for those who see the flow, one for each.
    func rows(
        of bodies: [NewBody], at position: Position, in flow: FlowID, access: [Pair: Access]
    ) -> [SQLRow] {
        let isPublic = state(of: flow)?.isPublic == true
        var recipients: Set<UserID> = []
        return bodies.compactMap { body in
            guard let access = access[Pair(flow: flow, user: body.recipient)], !access.accountDeleted,
                isPublic || access.isMember, recipients.insert(body.recipient).inserted
            else { return nil }
            return [SQLValue(position), SQLValue(body.recipient), .bytes(body.body), .bytes(body.key)]
        }
    }

    func store(_ blobs: [NewBlob], at position: Position) throws(StorageError) {
        for blob in blobs {
            var statements = blob.bytes.map { [Blobs.put(blob.sha256, $0, at: time)] } ?? []
            statements.append(
                SQLStatement(
                    """
                    INSERT INTO blob_refs (position, name, sha256) VALUES ($1, $2, $3)
                    ON CONFLICT (position, name) DO UPDATE SET sha256 = $3
                    """, [SQLValue(position), .text(blob.name), .bytes(blob.sha256)]))
            try connection.post(statements)
        }
    }

    // MARK: Changing a message

    mutating func editMessage(
        _ write: Write, flow: FlowID, message: Position, content: [UInt8], blobs: [NewBlob]
    ) throws(Failure) -> Receipt {
        try checkAuthor(write, flow: flow, message: message)
        let event = appendFlowEvent(write, .edit, to: flow, content: content, replaces: message)
        try storing {
            try connection.execute(
                "UPDATE events SET replaced_by = $1 WHERE position = $2",
                [SQLValue(event.position), SQLValue(message)])
        }
        if !blobs.isEmpty {
            try storing { try store(blobs, at: message) }
        }
        return Receipt(position: event.position, time: time)
    }

    /// Appends the deletion and overwrites what the message and its edits said.
    mutating func deleteMessage(_ write: Write, flow: FlowID, message: Position) throws(Failure) -> Receipt {
        try checkAuthor(write, flow: flow, message: message)
        let event = appendFlowEvent(write, .deletion, to: flow, replaces: message)
        try storing {
            _ = try connection.rows(pipelined: [
                SQLStatement(
                    "UPDATE events SET content = $1, replaced_by = $2 WHERE position = $3",
                    [.bytes(Self.emptyObject), SQLValue(event.position), SQLValue(message)]),
                SQLStatement(
                    "UPDATE events SET content = $1 WHERE replaces = $2",
                    [.bytes(Self.emptyObject), SQLValue(message)]),
                SQLStatement("DELETE FROM blob_refs WHERE position = $1", [SQLValue(message)]),
                SQLStatement("DELETE FROM event_bodies WHERE position = $1", [SQLValue(message)]),
            ])
        }
        return Receipt(position: event.position, time: time)
    }

    /// The author, or the operator; the message is there, in that flow, and not deleted.
    private mutating func checkAuthor(_ write: Write, flow: FlowID, message: Position) throws(Failure) {
        let pair = Pair(flow: flow, user: write.author ?? UserID(0))
        let found = try changing { log in try log.access(of: [pair]) }
        guard let access = found[pair], let state = state(of: flow) else { throw .refusal(.noSuchFlow) }
        let rows = try storing {
            try connection.rows(
                """
                SELECT e.flow_id, e.sender_id, r.type
                FROM events e
                LEFT JOIN events r ON r.position = e.replaced_by
                WHERE e.position = $1 AND e.number IS NOT NULL
                """, [SQLValue(message)])
        }
        guard let row = rows.first else { throw .refusal(.noSuchMessage) }
        let (itsFlow, sender, change) = try storing {
            var reader = RowReader(row)
            return (try reader.flow(), try reader.optionalInt(), try reader.optionalText())
        }
        guard itsFlow == flow else { throw .refusal(.noSuchMessage) }
        if let author = write.author {
            if access.accountDeleted { throw .refusal(.accountDeleted) }
            guard access.isMember || state.isPublic else { throw .refusal(.notMember) }
            guard sender == author.rawValue else { throw .refusal(.notAuthor) }
        }
        if change == LogEvent.Kind.deletion.rawValue { throw .refusal(.messageDeleted) }
    }
}

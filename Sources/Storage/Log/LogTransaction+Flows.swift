// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension LogTransaction {
    mutating func createFlow(_ write: Write, _ flow: NewFlow) throws(Failure) -> Receipt {
        try checkAccount(flow.owner)
        try checkOthers(Set(flow.members).subtracting([flow.owner]))
        if flow.kind == .chat, flow.members.count != 2 || Set(flow.members).count != 2 {
            throw .storage(StorageError(.writeFailed, "A chat has two different members. Name both, each once."))
        }
        if flow.kind == .chat, let existing = try existingChat(of: flow.members) {
            return Receipt(position: position, time: time, row: existing, existed: true)
        }
        return try changing { log in
            let people = flow.kind == .chat ? flow.members.sorted() : []
            let rows = try log.connection.rows(
                """
                INSERT INTO flows (id, uuid, flow_type, title, info, owner_id, is_public, chat_low, chat_high, created_ms)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                RETURNING id
                """,
                [
                    .int(log.nextFlow(flow.row)), SQLValue(flow.uuid), .text(flow.kind.rawValue), .text(flow.title),
                    .text(flow.info), SQLValue(flow.owner), SQLValue(flow.isPublic), SQLValue(people.first?.rawValue),
                    SQLValue(people.last?.rawValue), SQLValue(flow.created ?? log.time),
                ])
            guard let row = rows.first else {
                throw StorageError(.writeFailed, "The flow could not be stored. Try again.")
            }
            var reader = RowReader(row)
            let id = try reader.flow()
            try log.connection.post([
                SQLStatement(
                    """
                    INSERT INTO flow_heads (flow_id, is_public, event_count, message_count, head_position)
                    VALUES ($1, $2, 0, 0, 0)
                    """, [SQLValue(id), SQLValue(flow.isPublic)])
            ])
            log.remember(
                FlowState(kind: flow.kind, isPublic: flow.isPublic, owner: flow.owner, eventCount: 0, messageCount: 0),
                of: id)
            let event = log.appendFlowEvent(write, .flow, to: id, content: LogEvent.what("created"))
            try log.connection.insert(
                SQLInsertion(
                    into: "flow_members", columns: [("flow_id", .int), ("user_id", .int), ("joined_position", .int)]),
                rows: Set(flow.members).sorted().map { [SQLValue(id), SQLValue($0), SQLValue(event.position)] })
            return Receipt(position: event.position, time: log.time, row: id.rawValue)
        }
    }

    private func existingChat(of people: [UserID]) throws(Failure) -> Int64? {
        let people = people.sorted()
        return try storing {
            let rows = try connection.rows(
                "SELECT id FROM flows WHERE chat_low = $1 AND chat_high = $2",
                [SQLValue(people.first?.rawValue), SQLValue(people.last?.rawValue)])
            guard let row = rows.first else { return nil }
            var reader = RowReader(row)
            return try reader.int()
        }
    }

    mutating func updateFlow(
        _ write: Write, _ flow: FlowID, title: String?, info: String?, kind: FlowRecord.Kind?, owner: UserID?
    ) throws(Failure) -> Receipt {
        try checkOwner(write, of: flow)
        try changeRights(of: flow, kind: kind, owner: owner)
        try storing {
            if let title {
                try connection.execute("UPDATE flows SET title = $1 WHERE id = $2", [.text(title), SQLValue(flow)])
            }
            if let info {
                try connection.execute("UPDATE flows SET info = $1 WHERE id = $2", [.text(info), SQLValue(flow)])
            }
        }
        return Receipt(
            position: appendFlowEvent(write, .flow, to: flow, content: LogEvent.what("changed")).position, time: time)
    }

    private mutating func changeRights(of flow: FlowID, kind: FlowRecord.Kind?, owner: UserID?) throws(Failure) {
        guard let state = state(of: flow) else { throw .refusal(.noSuchFlow) }
        let newKind = kind ?? state.kind
        let newOwner = owner ?? state.owner
        guard newKind != state.kind || newOwner != state.owner else { return }
        guard state.kind != .chat, newKind != .chat else { throw .refusal(.membershipFixed) }
        if newOwner != state.owner {
            try checkOther(newOwner)
            if !state.isPublic, try !isMember(newOwner, of: flow) { throw .refusal(.notMember) }
        }
        try storing {
            _ = try connection.execute(
                "UPDATE flows SET flow_type = $1, owner_id = $2 WHERE id = $3",
                [.text(newKind.rawValue), SQLValue(newOwner), SQLValue(flow)])
        }
        note(kind: newKind, owner: newOwner, of: flow)
    }

    /// Makes the flow invisible at once.
    ///
    /// `Storage.purgeDeletedFlows` removes its events afterwards, in small transactions.
    mutating func deleteFlow(_ write: Write, _ flow: FlowID) throws(Failure) -> Receipt {
        try checkOwner(write, of: flow)
        try storing {
            // The pair of a chat becomes free, so that the two can begin a new one before the purge is through.
            try connection.execute(
                """
                UPDATE flows
                SET deleted_ms = $1, flow_type = 'group', is_public = 0, chat_low = NULL, chat_high = NULL, title = '',
                    info = ''
                WHERE id = $2
                """, [SQLValue(time), SQLValue(flow)])
            try connection.execute("UPDATE flow_heads SET is_public = 0 WHERE flow_id = $1", [SQLValue(flow)])
            try connection.execute("DELETE FROM flow_members WHERE flow_id = $1", [SQLValue(flow)])
        }
        forget(flow)
        return Receipt(
            position: appendAccountEvent(write, .flow, subject: flow.rawValue, content: LogEvent.what("deleted")),
            time: time)
    }

    mutating func addMember(_ write: Write, _ flow: FlowID, _ user: UserID) throws(Failure) -> Receipt {
        try checkOwner(write, of: flow)
        try checkOther(user)
        try checkMembershipCanChange(flow)
        if try isMember(user, of: flow) { return nothingDone }
        let event = appendFlowEvent(write, .join, to: flow, subject: user.rawValue)
        try storing {
            try connection.execute(
                """
                DELETE FROM flow_members
                WHERE flow_id = $1 AND user_id = $2 AND joined_position <= (
                    SELECT o.joined_position FROM flow_members o
                    WHERE o.flow_id = $1 AND o.user_id = $2
                    ORDER BY o.joined_position DESC
                    LIMIT 1 OFFSET $3)
                """, [SQLValue(flow), SQLValue(user), SQLValue(limit: Storage.maximumStays - 1)])
            try connection.execute(
                "INSERT INTO flow_members (flow_id, user_id, joined_position) VALUES ($1, $2, $3)",
                [SQLValue(flow), SQLValue(user), SQLValue(event.position)])
        }
        return Receipt(position: event.position, time: time)
    }

    mutating func removeMember(_ write: Write, _ flow: FlowID, _ user: UserID) throws(Failure) -> Receipt {
        // Who leaves needs no owner.
        try checkOwner(write, of: flow, or: user)
        try checkMembershipCanChange(flow)
        guard state(of: flow)?.owner != user else { throw .refusal(.membershipFixed) }
        guard try isMember(user, of: flow) else { throw .refusal(.notMember) }
        let event = appendFlowEvent(write, .leave, to: flow, subject: user.rawValue)
        try storing {
            _ = try connection.execute(
                "UPDATE flow_members SET left_position = $1 WHERE flow_id = $2 AND user_id = $3 AND left_position IS NULL",
                [SQLValue(event.position), SQLValue(flow), SQLValue(user)])
        }
        return Receipt(position: event.position, time: time)
    }

    mutating func markBridged(_ write: Write, _ flow: FlowID) throws(Failure) -> Receipt {
        let pair = Pair(flow: flow, user: write.author ?? UserID(0))
        let found = try changing { log in try log.access(of: [pair]) }
        guard let access = found[pair] else { throw .refusal(.noSuchFlow) }
        if write.author != nil {
            if access.accountDeleted { throw .refusal(.accountDeleted) }
            guard access.isMember || state(of: flow)?.isPublic == true else { throw .refusal(.notMember) }
        }
        let changed = try storing {
            try connection.execute("UPDATE flows SET bridged = 1 WHERE id = $1 AND bridged = 0", [SQLValue(flow)])
        }
        guard changed > 0 else { return nothingDone }
        let event = appendFlowEvent(write, .flow, to: flow, content: LogEvent.flowBridged)
        return Receipt(position: event.position, time: time)
    }

    // MARK: Checks

    /// The flow is there, and the author owns it or is the operator.
    private mutating func checkOwner(_ write: Write, of flow: FlowID, or user: UserID? = nil) throws(Failure) {
        let pair = Pair(flow: flow, user: write.author ?? UserID(0))
        let found = try changing { log in try log.access(of: [pair]) }
        guard let access = found[pair] else { throw .refusal(.noSuchFlow) }
        if write.author != nil, access.accountDeleted { throw .refusal(.accountDeleted) }
        guard let author = write.author, author != user else { return }
        guard access.isMember || access.isOwner else { throw .refusal(.notMember) }
        guard access.isOwner else { throw .refusal(.mayNotWrite) }
    }

    private func checkMembershipCanChange(_ flow: FlowID) throws(Failure) {
        guard let state = state(of: flow) else { throw .refusal(.noSuchFlow) }
        if state.isPublic || state.kind == .chat { throw .refusal(.membershipFixed) }
    }

    private func isMember(_ user: UserID, of flow: FlowID) throws(Failure) -> Bool {
        try storing {
            try !connection.rows(
                "SELECT 1 FROM flow_members WHERE flow_id = $1 AND user_id = $2 AND left_position IS NULL",
                [SQLValue(flow), SQLValue(user)]
            ).isEmpty
        }
    }
}

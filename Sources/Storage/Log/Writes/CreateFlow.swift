// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes a flow; a chat of two people who have one already is that one.
    package struct CreateFlow: LogWrite {
        private static let memberInsertion = SQLInsertion(
            into: "flow_members", columns: [("flow_id", .int), ("user_id", .int), ("joined_position", .int)])

        let flow: NewFlow

        package init(_ flow: NewFlow) {
            self.flow = flow
        }

        package func apply(to log: inout LogTransaction) throws -> FlowID {
            try log.checkAccount(flow.owner)
            let members = Set(flow.members)
            try log.checkOthers(members.subtracting([flow.owner]))
            let people = flow.kind == .chat ? members.sorted().map(\.rawValue) : []
            if flow.kind == .chat {
                guard flow.members.count == 2, people.count == 2 else {
                    throw StorageError(.writeFailed, "A chat has two different members. Name both, each once.")
                }
                let chats = try log.connection.rows(
                    "SELECT id FROM flows WHERE chat_low = $1 AND chat_high = $2", people.map { .int($0) })
                if let chat = chats.first {
                    var reader = RowReader(chat)
                    return try reader.flow()
                }
            }
            let id = log.nextFlow(flow.row)
            try log.connection.execute(
                """
                INSERT INTO flows (id, uuid, flow_type, title, info, owner_id, is_public, chat_low, chat_high,
                    created_ms)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                """,
                [
                    SQLValue(id), SQLValue(flow.uuid), .text(flow.kind.rawValue), .text(flow.title), .text(flow.info),
                    SQLValue(flow.owner), SQLValue(flow.isPublic), SQLValue(people.first), SQLValue(people.last),
                    SQLValue(flow.created ?? log.time),
                ])
            try log.connection.post([
                SQLStatement(
                    """
                    INSERT INTO flow_heads (flow_id, is_public, event_count, message_count, head_position)
                    VALUES ($1, $2, 0, 0, 0)
                    """, [SQLValue(id), SQLValue(flow.isPublic)])
            ])
            log.remember(
                LogTransaction.FlowState(
                    kind: flow.kind, isPublic: flow.isPublic, owner: flow.owner, eventCount: 0, messageCount: 0),
                of: id)
            let position = log.append(.flow, to: id, content: LogEvent.what("created"))
            try log.connection.insert(
                Self.memberInsertion,
                rows: members.sorted().map { [SQLValue(id), SQLValue($0), SQLValue(position)] })
            return id
        }
    }
}

package struct NewFlow: Sendable {
    package var uuid: Identifier
    package var kind: FlowRecord.Kind
    package var title: String
    package var info: String
    package var owner: UserID
    package var isPublic: Bool
    /// The members of a private flow, the owner among them; both people of a chat.
    ///
    /// Empty for a public one.
    package var members: [UserID]
    /// The row number that it had elsewhere: it gets this one if no flow here has had it or a higher one.
    package var row: Int64?
    /// When it was made elsewhere; `nil`: now.
    package var created: Timestamp?

    package init(
        uuid: Identifier, kind: FlowRecord.Kind, title: String, info: String, owner: UserID, isPublic: Bool,
        members: [UserID]
    ) {
        self.uuid = uuid
        self.kind = kind
        self.title = title
        self.info = info
        self.owner = owner
        self.isPublic = isPublic
        self.members = members
    }
}

extension LogTransaction {
    /// Refuses unless all of `users` are accounts, in one statement.
    fileprivate func checkOthers(_ users: Set<UserID>) throws {
        guard !users.isEmpty else { return }
        let rows = try connection.rows(
            """
            SELECT count(*)
            FROM \(dialect.numbers) n
            JOIN users u ON u.id = n.number
            WHERE u.deleted_ms IS NULL
            """, [.numbers(users.map(\.rawValue))])
        guard rows == [[.int(Int64(users.count))]] else { throw WriteRefusal.noSuchUser }
    }
}

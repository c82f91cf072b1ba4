// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Appends the deletion of a message and overwrites what the message and its edits said.
    package struct DeleteMessage: LogWrite {
        let flow: FlowID
        let message: Position

        package init(flow: FlowID, message: Position) {
            self.flow = flow
            self.message = message
        }

        /// - Returns: How many bytes the message took.
        package func apply(to log: inout LogTransaction) throws -> Int64 {
            try log.checkAuthor(of: message, in: flow)
            let sizes = try log.connection.rows(
                "SELECT \(StoredMessage.bytesExpression) FROM events e WHERE e.position = $1", [SQLValue(message)])
            let deletion = log.append(.deletion, to: flow, replaces: message)
            let nothing = SQLValue.bytes(LogTransaction.emptyObject)
            _ = try log.connection.rows(pipelined: [
                SQLStatement(
                    "UPDATE events SET content = $1, replaced_by = $2 WHERE position = $3",
                    [nothing, SQLValue(deletion), SQLValue(message)]),
                SQLStatement("UPDATE events SET content = $1 WHERE replaces = $2", [nothing, SQLValue(message)]),
                SQLStatement("DELETE FROM blob_refs WHERE position = $1", [SQLValue(message)]),
                SQLStatement("DELETE FROM event_bodies WHERE position = $1", [SQLValue(message)]),
            ])
            guard let row = sizes.first else { return 0 }
            var reader = RowReader(row)
            return try reader.int()
        }
    }
}

extension LogTransaction {
    /// The author of the write wrote the message, or is the operator; it is there, in that flow, and not deleted.
    mutating func checkAuthor(of message: Position, in flow: FlowID) throws {
        let (access, state) = try accessOfAuthor(to: flow)
        let rows = try connection.rows(
            """
            SELECT e.flow_id, e.sender_id, r.type
            FROM events e
            LEFT JOIN events r ON r.position = e.replaced_by
            WHERE e.position = $1 AND e.number IS NOT NULL
            """, [SQLValue(message)])
        guard let row = rows.first else { throw WriteRefusal.noSuchMessage }
        var reader = RowReader(row)
        let (itsFlow, sender, change) = (try reader.flow(), try reader.optionalInt(), try reader.optionalText())
        guard itsFlow == flow else { throw WriteRefusal.noSuchMessage }
        if let author = origin.author {
            if access.accountDeleted { throw WriteRefusal.accountDeleted }
            guard access.isMember || state.isPublic else { throw WriteRefusal.notMember }
            guard sender == author.rawValue else { throw WriteRefusal.notAuthor }
        }
        if change == LogEvent.Kind.deletion.rawValue { throw WriteRefusal.messageDeleted }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Changes a flow; `nil` leaves a field as it is.
    package struct UpdateFlow: LogWrite {
        let flow: FlowID
        let title: String?
        let info: String?
        let kind: FlowRecord.Kind?
        let owner: UserID?

        /// A group may become a channel and the reverse; a new owner of a private flow is a member of it already.
        ///
        /// A chat keeps both.
        package init(
            _ flow: FlowID, title: String? = nil, info: String? = nil, kind: FlowRecord.Kind? = nil,
            owner: UserID? = nil
        ) {
            self.flow = flow
            self.title = title
            self.info = info
            self.kind = kind
            self.owner = owner
        }

        package func apply(to log: inout LogTransaction) throws {
            let state = try log.checkOwner(of: flow)
            try changeRights(state, in: &log)
            if let title {
                try log.connection.execute("UPDATE flows SET title = $1 WHERE id = $2", [.text(title), SQLValue(flow)])
            }
            if let info {
                try log.connection.execute("UPDATE flows SET info = $1 WHERE id = $2", [.text(info), SQLValue(flow)])
            }
            log.append(.flow, to: flow, content: LogEvent.what("changed"))
        }

        private func changeRights(_ state: LogTransaction.FlowState, in log: inout LogTransaction) throws {
            let kind = kind ?? state.kind
            let owner = owner ?? state.owner
            guard kind != state.kind || owner != state.owner else { return }
            guard state.kind != .chat, kind != .chat else { throw WriteRefusal.membershipFixed }
            if owner != state.owner {
                try log.checkOther(owner)
                if !state.isPublic, try !log.isMember(owner, of: flow) { throw WriteRefusal.notMember }
            }
            try log.connection.execute(
                "UPDATE flows SET flow_type = $1, owner_id = $2 WHERE id = $3",
                [.text(kind.rawValue), SQLValue(owner), SQLValue(flow)])
            log.note(kind: kind, owner: owner, of: flow)
        }
    }
}

extension LogTransaction {
    /// The flow, if the author of the write owns it, is the operator, or is `user`.
    mutating func checkOwner(of flow: FlowID, or user: UserID? = nil) throws -> FlowState {
        let (access, state) = try accessOfAuthor(to: flow)
        guard let author = origin.author else { return state }
        if access.accountDeleted { throw WriteRefusal.accountDeleted }
        if author == user { return state }
        guard access.isMember || access.isOwner else { throw WriteRefusal.notMember }
        guard access.isOwner else { throw WriteRefusal.mayNotWrite }
        return state
    }

    func isMember(_ user: UserID, of flow: FlowID) throws(StorageError) -> Bool {
        try !connection.rows(
            "SELECT 1 FROM flow_members WHERE flow_id = $1 AND user_id = $2 AND left_position IS NULL",
            [SQLValue(flow), SQLValue(user)]
        ).isEmpty
    }
}

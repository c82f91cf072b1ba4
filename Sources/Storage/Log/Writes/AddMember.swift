// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Adds an account to a private flow.
    package struct AddMember: LogWrite {
        let flow: FlowID
        let user: UserID

        package init(_ flow: FlowID, _ user: UserID) {
            self.flow = flow
            self.user = user
        }

        package func apply(to log: inout LogTransaction) throws {
            let state = try log.checkOwner(of: flow)
            try log.checkOther(user)
            try state.checkMembershipCanChange()
            if try log.isMember(user, of: flow) { return }
            let position = log.append(.join, to: flow, of: user)
            try log.connection.execute(
                """
                DELETE FROM flow_members
                WHERE flow_id = $1 AND user_id = $2 AND joined_position <= (
                    SELECT o.joined_position FROM flow_members o
                    WHERE o.flow_id = $1 AND o.user_id = $2
                    ORDER BY o.joined_position DESC
                    LIMIT 1 OFFSET $3)
                """, [SQLValue(flow), SQLValue(user), SQLValue(limit: Storage.maximumStays - 1)])
            try log.connection.execute(
                "INSERT INTO flow_members (flow_id, user_id, joined_position) VALUES ($1, $2, $3)",
                [SQLValue(flow), SQLValue(user), SQLValue(position)])
        }
    }
}

extension LogTransaction.FlowState {
    func checkMembershipCanChange() throws {
        if isPublic || kind == .chat { throw WriteRefusal.membershipFixed }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Removes an account from a private flow.
    package struct RemoveMember: LogWrite {
        let flow: FlowID
        let user: UserID

        package init(_ flow: FlowID, _ user: UserID) {
            self.flow = flow
            self.user = user
        }

        package func apply(to log: inout LogTransaction) throws {
            // An account that leaves needs no owner.
            let state = try log.checkOwner(of: flow, or: user)
            try state.checkMembershipCanChange()
            guard state.owner != user else { throw WriteRefusal.membershipFixed }
            guard try log.isMember(user, of: flow) else { throw WriteRefusal.notMember }
            let position = log.append(.leave, to: flow, of: user)
            try log.connection.execute(
                "UPDATE flow_members SET left_position = $1 WHERE flow_id = $2 AND user_id = $3 AND left_position IS "
                    + "NULL",
                [SQLValue(position), SQLValue(flow), SQLValue(user)])
        }
    }
}

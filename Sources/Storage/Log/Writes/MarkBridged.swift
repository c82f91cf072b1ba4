// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Notes that the server opened an encrypted message of a flow for others.
    package struct MarkBridged: LogWrite {
        let flow: FlowID

        package init(_ flow: FlowID) {
            self.flow = flow
        }

        package func apply(to log: inout LogTransaction) throws {
            let (access, state) = try log.accessOfAuthor(to: flow)
            if log.origin.author != nil {
                if access.accountDeleted { throw WriteRefusal.accountDeleted }
                guard access.isMember || state.isPublic else { throw WriteRefusal.notMember }
            }
            let changed = try log.connection.execute(
                "UPDATE flows SET bridged = 1 WHERE id = $1 AND bridged = 0", [SQLValue(flow)])
            if changed > 0 { log.append(.flow, to: flow, content: LogEvent.flowBridged) }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes a flow invisible at once.
    ///
    /// `Storage.purgeDeletedFlows` removes its events afterwards, in small transactions.
    package struct DeleteFlow: LogWrite {
        let flow: FlowID

        package init(_ flow: FlowID) {
            self.flow = flow
        }

        package func apply(to log: inout LogTransaction) throws {
            _ = try log.checkOwner(of: flow)
            // The pair of a chat becomes free, so that the two can begin a new one before the purge is through.
            try log.connection.execute(
                """
                UPDATE flows
                SET deleted_ms = $1, flow_type = 'group', is_public = 0, chat_low = NULL, chat_high = NULL, title = '',
                    info = ''
                WHERE id = $2
                """, [SQLValue(log.time), SQLValue(flow)])
            try log.connection.execute("UPDATE flow_heads SET is_public = 0 WHERE flow_id = $1", [SQLValue(flow)])
            try log.connection.execute("DELETE FROM flow_members WHERE flow_id = $1", [SQLValue(flow)])
            log.forget(flow)
            log.append(.flow, of: flow.rawValue, content: LogEvent.what("deleted"))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Ends one session of an account, or all of them.
    package struct RevokeSessions: LogWrite {
        let user: UserID
        let session: SessionID?

        /// Without a `session`: all of them.
        package init(_ user: UserID, _ session: SessionID?) {
            self.user = user
            self.session = session
        }

        package func apply(to log: inout LogTransaction) throws {
            let all = "UPDATE sessions SET revoked_ms = $1 WHERE user_id = $2 AND revoked_ms IS NULL"
            let arguments = [SQLValue(log.time), SQLValue(user)]
            if let session {
                let changed = try log.connection.execute(all + " AND id = $3", arguments + [.int(session.rawValue)])
                if changed == 0 { throw WriteRefusal.noSuchSession }
            } else {
                try log.connection.execute(all, arguments)
            }
            let ended = session.map { $0.rawValue...$0.rawValue } ?? 0...log.lastSession
            log.append(.session, of: user.rawValue, content: LogEvent.sessionsEnded(ended))
        }
    }
}

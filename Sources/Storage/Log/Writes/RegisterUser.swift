// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes an account and its first session.
    package struct RegisterUser: LogWrite {
        let user: NewUser
        let session: NewSession
        let invite: InviteUse?

        /// With `invite` it also takes one use of that invite.
        package init(_ user: NewUser, session: NewSession, invite: InviteUse? = nil) {
            self.user = user
            self.session = session
            self.invite = invite
        }

        /// A code that is shown at a time.
        package struct InviteUse: Sendable {
            let codeHash: [UInt8]
            let time: Timestamp

            /// `time` is by the clock that ends the invite, which the log's time may be ahead of.
            package init(codeHash: [UInt8], at time: Timestamp) {
                self.codeHash = codeHash
                self.time = time
            }
        }

        /// The rows that were made.
        package struct Result: Sendable {
            package let user: UserID
            package let session: SessionID
        }

        package func apply(to log: inout LogTransaction) throws -> Result {
            if let invite {
                let known = try Storage.invite(codeHash: invite.codeHash, on: log.connection)
                guard let known, known.isValid(at: invite.time) else { throw WriteRefusal.inviteInvalid }
            }
            let id = try log.insert(user)
            let session = try log.insert(session, of: id)
            if let invite {
                try log.connection.execute(
                    "UPDATE invites SET uses_left = uses_left - 1, used = used + 1 WHERE code_hash = $1",
                    [.bytes(invite.codeHash)])
            }
            log.appendCreation(of: user, id)
            return Result(user: id, session: session)
        }
    }
}

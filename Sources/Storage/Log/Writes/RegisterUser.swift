// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes an account and its first session.
    package struct RegisterUser: LogWrite {
        let user: NewUser
        let session: NewSession
        let invite: [UInt8]?

        /// With `invite`, the hash of a code, it also takes one use of that invite.
        package init(_ user: NewUser, session: NewSession, invite: [UInt8]? = nil) {
            self.user = user
            self.session = session
            self.invite = invite
        }

        /// The rows that were made.
        package struct Result: Sendable {
            package let user: UserID
            package let session: SessionID
        }

        package func apply(to log: inout LogTransaction) throws -> Result {
            if let invite {
                let known = try Storage.invite(codeHash: invite, on: log.connection)
                guard let known, known.isValid(at: log.time) else { throw WriteRefusal.inviteInvalid }
            }
            let id = try log.insert(user)
            let session = try log.insert(session, of: id)
            if let invite {
                try log.connection.execute(
                    "UPDATE invites SET uses_left = uses_left - 1, used = used + 1 WHERE code_hash = $1",
                    [.bytes(invite)])
            }
            log.appendCreation(of: user, id)
            return Result(user: id, session: session)
        }
    }
}

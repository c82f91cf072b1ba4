// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Revokes an invite.
    package struct RevokeInvite: LogWrite {
        let codeHash: [UInt8]

        package init(_ codeHash: [UInt8]) {
            self.codeHash = codeHash
        }

        package func apply(to log: inout LogTransaction) throws {
            let changed = try log.connection.execute(
                "UPDATE invites SET revoked_ms = $1 WHERE code_hash = $2 AND revoked_ms IS NULL",
                [SQLValue(log.time), .bytes(codeHash)])
            guard changed > 0 else { throw WriteRefusal.inviteInvalid }
            log.append(.invite, of: nil, "revoked")
        }
    }
}

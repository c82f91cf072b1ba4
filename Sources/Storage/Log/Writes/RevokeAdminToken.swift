// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Revokes a token of an administrator.
    package struct RevokeAdminToken: LogWrite {
        let hash: [UInt8]

        package init(_ hash: [UInt8]) {
            self.hash = hash
        }

        package func apply(to log: inout LogTransaction) throws {
            let changed = try log.connection.execute(
                "UPDATE admin_tokens SET revoked_ms = $1 WHERE token_hash = $2 AND revoked_ms IS NULL",
                [SQLValue(log.time), .bytes(hash)])
            guard changed > 0 else { throw WriteRefusal.noSuchSession }
            log.append(.admin, of: nil, "token revoked")
        }
    }
}

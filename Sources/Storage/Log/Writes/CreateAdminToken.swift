// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes a token with which an administrator is known; also removes logins to the panel that have expired.
    package struct CreateAdminToken: LogWrite {
        let hash: [UInt8]
        let kind: AdminTokenRecord.Kind
        let name: String
        let administrator: String
        let canWrite: Bool
        let created: Timestamp
        let lifetimeSeconds: Int64

        /// `hash` is 32 bytes; `created` is by the clock that ends it, which the log's time may be ahead of.
        package init(
            hash: [UInt8], kind: AdminTokenRecord.Kind, name: String, administrator: String, canWrite: Bool,
            created: Timestamp, lifetimeSeconds: Int64
        ) {
            self.hash = hash
            self.kind = kind
            self.name = name
            self.administrator = administrator
            self.canWrite = canWrite
            self.created = created
            self.lifetimeSeconds = lifetimeSeconds
        }

        package func apply(to log: inout LogTransaction) throws {
            guard try log.isAdmin(administrator) else { throw WriteRefusal.noSuchAdmin }
            let taken = try log.connection.rows(
                "SELECT 1 FROM admin_tokens WHERE kind = 'api' AND name = $1 AND revoked_ms IS NULL", [.text(name)])
            guard kind != .api || taken.isEmpty else { throw WriteRefusal.tokenNameTaken }
            try log.connection.post([
                SQLStatement(
                    "DELETE FROM admin_tokens WHERE kind = 'panel' AND expires_ms <= $1", [SQLValue(created)]),
                SQLStatement(
                    """
                    INSERT INTO admin_tokens (token_hash, kind, name, username, can_write, created_ms, expires_ms)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    [
                        .bytes(hash), .text(kind.rawValue), .text(name), .text(administrator), SQLValue(canWrite),
                        SQLValue(created), SQLValue(created.adding(seconds: lifetimeSeconds)),
                    ]),
            ])
            log.append(.admin, of: nil, "token")
        }
    }
}

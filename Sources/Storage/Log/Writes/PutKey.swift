// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Publishes a key, in place of the one of that device and kind.
    package struct PutKey: LogWrite {
        let user: UserID
        let device: String
        let kind: String
        let publicKey: String

        package init(_ user: UserID, device: String, kind: String, publicKey: String) {
            self.user = user
            self.device = device
            self.kind = kind
            self.publicKey = publicKey
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            let changed = try log.connection.execute(
                """
                INSERT INTO user_keys (user_id, device, kind, public_key, created_ms) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (user_id, device, kind) DO UPDATE SET public_key = excluded.public_key, created_ms = $5
                WHERE user_keys.public_key <> excluded.public_key
                """, [SQLValue(user), .text(device), .text(kind), .text(publicKey), SQLValue(log.time)])
            if changed > 0 { log.append(.key, of: user.rawValue) }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// The public keys of one kind that these accounts published, by account and device.
    package func keys(of users: [UserID], kind: String) async throws(StorageError) -> [PublicKeyRecord] {
        guard !users.isEmpty else { return [] }
        let list = SQLValue.numbers(users.map(\.rawValue))
        return try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT k.user_id, k.device, k.kind, k.public_key, k.created_ms
                FROM \(self.engine.dialect.numbers) n
                JOIN user_keys k ON k.user_id = n.number
                WHERE k.kind = $2
                ORDER BY k.user_id, k.device
                """, [list, .text(kind)])
            return try rows.map { row in
                var reader = RowReader(row)
                return PublicKeyRecord(
                    user: try reader.user(), device: try reader.text(), kind: try reader.text(),
                    publicKey: try reader.text(), time: try reader.time())
            }
        }
    }

    /// The key pair of one kind that the server holds for an account.
    package func bridgeKey(of user: UserID, kind: String) async throws(StorageError) -> SealedKeyPair? {
        try await read(.accounts) { connection in try Self.keyPair(Self.bridgeKeyQuery(user, kind), on: connection) }
    }

    /// The key pairs that the server holds for accounts, of the kinds after this one of `user`, and of the accounts
    /// after it.
    package func bridgeKeys(
        after user: UserID = UserID(0), kind: String = "", limit: Int
    ) async throws(StorageError) -> [BridgeKeyRecord] {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT k.user_id, u.uuid, k.kind, k.public_key, k.sealed_private
                FROM bridge_keys k
                JOIN users u ON u.id = k.user_id
                WHERE k.user_id > $1 OR (k.user_id = $1 AND k.kind > $2)
                ORDER BY k.user_id, k.kind
                LIMIT $3
                """, [SQLValue(user), .text(kind), SQLValue(limit: limit)])
            return try rows.map { row in
                var reader = RowReader(row)
                return BridgeKeyRecord(
                    user: try reader.user(), uuid: try reader.identifier(), kind: try reader.text(),
                    pair: SealedKeyPair(publicKey: try reader.text(), sealedPrivateKey: try reader.bytes()))
            }
        }
    }

    /// Whether anything is stored that was sealed with the key file.
    package func holdsSealedSecrets() async throws(StorageError) -> Bool {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT 1 WHERE EXISTS (SELECT 1 FROM users WHERE skaro_secret IS NOT NULL)
                    OR EXISTS (SELECT 1 FROM bridge_keys) OR EXISTS (SELECT 1 FROM server_keys)
                    OR EXISTS (SELECT 1 FROM admins WHERE totp_secret IS NOT NULL)
                """)
            return !rows.isEmpty
        }
    }

    /// Stores a key pair for an account unless there is one of that kind, or in the place of just that one.
    ///
    /// - Returns: The pair that is stored now: this one, or the one that another process stored before.
    package func putBridgeKey(
        _ pair: SealedKeyPair, of user: UserID, kind: String, replacing old: SealedKeyPair? = nil
    ) async throws(StorageError) -> SealedKeyPair {
        let time = currentTime()
        if let old {
            let replacement = SQLStatement(
                """
                UPDATE bridge_keys SET public_key = $1, sealed_private = $2, created_ms = $3
                WHERE user_id = $4 AND kind = $5 AND public_key = $6
                """,
                [
                    .text(pair.publicKey), .bytes(pair.sealedPrivateKey), SQLValue(time), SQLValue(user), .text(kind),
                    .text(old.publicKey),
                ])
            return try await store(replacement, unlessFoundBy: Self.bridgeKeyQuery(user, kind))
        }
        return try await store(
            SQLStatement(
                """
                INSERT INTO bridge_keys (user_id, kind, public_key, sealed_private, created_ms)
                VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (user_id, kind) DO NOTHING
                """,
                [SQLValue(user), .text(kind), .text(pair.publicKey), .bytes(pair.sealedPrivateKey), SQLValue(time)]),
            unlessFoundBy: Self.bridgeKeyQuery(user, kind))
    }

    /// A key pair that belongs to the whole cluster, such as the balancer's.
    package func serverKey(_ name: String) async throws(StorageError) -> SealedKeyPair? {
        try await read(.accounts) { connection in try Self.keyPair(Self.serverKeyQuery(name), on: connection) }
    }

    /// Stores a key pair of the cluster unless there is one of that name, or in the place of just that one; all nodes
    /// end with the same one.
    ///
    /// - Returns: The pair that is stored now: this one, or the one that another process stored before.
    package func putServerKey(
        _ pair: SealedKeyPair, name: String, replacing old: SealedKeyPair? = nil
    ) async throws(StorageError) -> SealedKeyPair {
        let time = currentTime()
        if let old {
            let replacement = SQLStatement(
                """
                UPDATE server_keys SET public_key = $1, sealed_private = $2, created_ms = $3
                WHERE name = $4 AND public_key = $5
                """,
                [
                    .text(pair.publicKey), .bytes(pair.sealedPrivateKey), SQLValue(time), .text(name),
                    .text(old.publicKey),
                ])
            return try await store(replacement, unlessFoundBy: Self.serverKeyQuery(name))
        }
        return try await store(
            SQLStatement(
                """
                INSERT INTO server_keys (name, public_key, sealed_private, created_ms) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name) DO NOTHING
                """, [.text(name), .text(pair.publicKey), .bytes(pair.sealedPrivateKey), SQLValue(time)]),
            unlessFoundBy: Self.serverKeyQuery(name))
    }

    private static func bridgeKeyQuery(_ user: UserID, _ kind: String) -> SQLStatement {
        SQLStatement(
            "SELECT public_key, sealed_private FROM bridge_keys WHERE user_id = $1 AND kind = $2",
            [SQLValue(user), .text(kind)])
    }

    private static func serverKeyQuery(_ name: String) -> SQLStatement {
        SQLStatement("SELECT public_key, sealed_private FROM server_keys WHERE name = $1", [.text(name)])
    }

    private static func keyPair(
        _ query: SQLStatement, on connection: any SQLConnection
    ) throws(StorageError) -> SealedKeyPair? {
        guard let row = try connection.rows(query).first else { return nil }
        var reader = RowReader(row)
        return SealedKeyPair(publicKey: try reader.text(), sealedPrivateKey: try reader.bytes())
    }

    private func store(
        _ insertion: SQLStatement, unlessFoundBy query: SQLStatement
    ) async throws(StorageError) -> SealedKeyPair {
        try await write(.accounts) { connection in
            // Waits for another process that stores the same; what it stored is then found.
            try connection.execute(insertion)
            guard let pair = try Self.keyPair(query, on: connection) else {
                throw StorageError(.writeFailed, "The key could not be stored. Try again.")
            }
            return pair
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    private static let adminTokenColumns =
        "token_hash, kind, name, username, can_write, created_ms, expires_ms, last_used_ms, revoked_ms"
    /// How coarse the time of the last use is.
    private static let lastUseMilliseconds: Int64 = 15 * 60 * 1000

    private static func adminToken(_ row: SQLRow) throws(StorageError) -> AdminTokenRecord {
        var reader = RowReader(row)
        let hash = try reader.bytes()
        guard let kind = AdminTokenRecord.Kind(rawValue: try reader.text()) else {
            throw StorageError(.readFailed, "A token of an administrator is of an unknown kind.")
        }
        return AdminTokenRecord(
            hash: hash, kind: kind, name: try reader.text(), administrator: try reader.text(),
            canWrite: try reader.bool(), created: try reader.time(), expires: try reader.time(),
            lastUsed: try reader.optionalTime(), revoked: try reader.optionalTime())
    }

    /// The token with this hash, expired and revoked ones too; those of administrators that are gone went with them.
    package func adminToken(hash: [UInt8]) async throws(StorageError) -> AdminTokenRecord? {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                "SELECT \(Self.adminTokenColumns) FROM admin_tokens WHERE token_hash = $1", [.bytes(hash)])
            return try rows.first.map { row in try Self.adminToken(row) }
        }
    }

    /// The API tokens, newest first, expired and revoked ones too.
    package func apiTokens(limit: Int) async throws(StorageError) -> [AdminTokenRecord] {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.adminTokenColumns) FROM admin_tokens WHERE kind = 'api'
                ORDER BY created_ms DESC, name
                LIMIT $1
                """, [SQLValue(limit: limit)])
            return try rows.map { row in try Self.adminToken(row) }
        }
    }

    /// The API token of a name that is not revoked.
    package func apiToken(named name: String) async throws(StorageError) -> AdminTokenRecord? {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.adminTokenColumns) FROM admin_tokens
                WHERE kind = 'api' AND name = $1 AND revoked_ms IS NULL
                """, [.text(name)])
            return try rows.first.map { row in try Self.adminToken(row) }
        }
    }

    /// Notes that a token was used, unless it was noted a short time ago.
    package func noteUse(of token: AdminTokenRecord) async throws(StorageError) {
        let now = currentTime()
        guard token.lastUsed?.isRecent(within: Self.lastUseMilliseconds - 1, at: now) != true else { return }
        try await write(.accounts) { connection in
            _ = try connection.execute(
                "UPDATE admin_tokens SET last_used_ms = $1 WHERE token_hash = $2", [SQLValue(now), .bytes(token.hash)])
        }
    }

    /// Takes a time step of an administrator's second factor, from which on no code of it or of an earlier one counts.
    ///
    /// - Returns: Whether none of it or of a later one was taken before.
    package func takeTOTPStep(_ step: Int64, of administrator: String) async throws(StorageError) -> Bool {
        try await write(.accounts) { connection in
            try connection.execute(
                "UPDATE admins SET totp_step = $1 WHERE username = $2 AND totp_step < $1",
                [.int(step), .text(administrator)]) > 0
        }
    }
}

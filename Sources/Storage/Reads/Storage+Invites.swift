// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    private static let inviteColumns = "code_hash, created_ms, expires_ms, uses_left, used, revoked_ms, note"

    private static func invite(_ row: SQLRow) throws(StorageError) -> InviteRecord {
        var reader = RowReader(row)
        return InviteRecord(
            codeHash: try reader.bytes(), created: try reader.time(), expires: try reader.optionalTime(),
            usesLeft: try reader.int(), used: try reader.int(), revoked: try reader.optionalTime(),
            note: try reader.text())
    }

    static func invite(codeHash: [UInt8], on connection: any SQLConnection) throws(StorageError) -> InviteRecord? {
        let rows = try connection.rows(
            "SELECT \(inviteColumns) FROM invites WHERE code_hash = $1", [.bytes(codeHash)])
        guard let row = rows.first else { return nil }
        return try invite(row)
    }

    /// The invite with this code, used up, expired and revoked ones too.
    package func invite(codeHash: [UInt8]) async throws(StorageError) -> InviteRecord? {
        try await read(.accounts) { connection in try Self.invite(codeHash: codeHash, on: connection) }
    }

    /// Invites, newest first, from the one in front of `before` on; with a time only those with which an account can be
    /// made then.
    package func invites(
        before: InviteRecord? = nil, validAt time: Timestamp? = nil, limit: Int
    ) async throws(StorageError) -> [InviteRecord] {
        let (created, hash) = before.map { ($0.created, $0.codeHash) } ?? (Timestamp(milliseconds: .max), [])
        return try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.inviteColumns) FROM invites
                WHERE (created_ms, code_hash) < ($1, $2)
                    AND ($3 = 0 OR revoked_ms IS NULL AND uses_left > 0 AND (expires_ms IS NULL OR expires_ms > $4))
                ORDER BY created_ms DESC, code_hash DESC
                LIMIT $5
                """,
                [
                    SQLValue(created), .bytes(hash), .int(time == nil ? 0 : 1),
                    SQLValue(time ?? Timestamp(milliseconds: 0)),
                    SQLValue(limit: limit),
                ])
            return try rows.map { row in try Self.invite(row) }
        }
    }

    /// At most `limit` of the invites whose code's hash is `first`, `last`, or between them.
    package func invites(
        from first: [UInt8], through last: [UInt8], limit: Int
    ) async throws(StorageError) -> [InviteRecord] {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.inviteColumns) FROM invites
                WHERE code_hash >= $1 AND code_hash <= $2
                ORDER BY code_hash
                LIMIT $3
                """, [.bytes(first), .bytes(last), SQLValue(limit: limit)])
            return try rows.map { row in try Self.invite(row) }
        }
    }
}

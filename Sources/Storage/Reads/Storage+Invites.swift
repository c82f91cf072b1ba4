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
        try await engine.read { connection in try Self.invite(codeHash: codeHash, on: connection) }
    }

    /// All invites, oldest first; `after` is the last one of the page before.
    package func invites(after: InviteRecord? = nil, limit: Int) async throws(StorageError) -> [InviteRecord] {
        let (time, hash) = after.map { ($0.created, $0.codeHash) } ?? (Timestamp(milliseconds: .min), [])
        return try await engine.read { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.inviteColumns) FROM invites
                WHERE (created_ms, code_hash) > ($1, $2)
                ORDER BY created_ms, code_hash
                LIMIT $3
                """, [SQLValue(time), .bytes(hash), SQLValue(limit: limit)])
            return try rows.map { row in try Self.invite(row) }
        }
    }
}

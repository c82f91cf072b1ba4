// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The end of the audit, for a transaction that holds the head of the log: so records of all processes are serial.
struct AuditChain {
    let connection: any SQLConnection

    /// Appends a record to the transaction.
    func append(_ note: AuditNote, at time: Timestamp) throws(StorageError) {
        guard let row = try connection.rows("SELECT number, hash FROM audit_head WHERE id = 1").first else {
            throw StorageError(.unusable, "The database has lost the head of its audit. Restore it from a backup.")
        }
        var reader = RowReader(row)
        let last = AuditHead(number: try reader.int(), hash: try reader.bytes())
        var record = AuditRecord(
            number: last.number + 1, time: time, entry: note.entry, previous: last.hash, hash: [])
        record.hash = note.digest(record.canonicalBytes)
        let entry = record.entry
        try connection.post([
            SQLStatement(
                """
                INSERT INTO audit (number, time_ms, actor, face, address, operation, target, parameters, refusal,
                    previous_hash, hash)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                """,
                [
                    .int(record.number), SQLValue(time), .text(entry.actor), .text(entry.face),
                    SQLValue(entry.address), .text(entry.operation), SQLValue(entry.target), .text(entry.parameters),
                    SQLValue(entry.refusal), .bytes(record.previous), .bytes(record.hash),
                ]),
            SQLStatement(
                "UPDATE audit_head SET number = $1, hash = $2 WHERE id = 1",
                [.int(record.number), .bytes(record.hash)]),
        ])
    }
}

extension Storage {
    /// Makes a change that is no event of the log, with its record in the same transaction.
    ///
    /// `body` says whether it changed anything; only then there is a record.
    func changing(
        audit note: AuditNote?, _ body: @escaping @Sendable (any SQLConnection) throws -> Bool
    ) async throws(StorageError) -> Bool {
        let time = currentTime()
        return try await write(.administration) { connection in
            if note != nil { try connection.execute("UPDATE log_head SET position = position WHERE id = 1") }
            let isChanged = try body(connection)
            if isChanged, let note { try AuditChain(connection: connection).append(note, at: time) }
            return isChanged
        }
    }
}

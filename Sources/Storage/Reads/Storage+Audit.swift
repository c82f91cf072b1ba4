// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    private static let auditColumns =
        "number, time_ms, actor, face, address, operation, target, parameters, refusal, previous_hash, hash"

    private static func auditRecord(_ row: SQLRow) throws(StorageError) -> AuditRecord {
        var reader = RowReader(row)
        return AuditRecord(
            number: try reader.int(), time: try reader.time(),
            entry: AuditEntry(
                actor: try reader.text(), face: try reader.text(), address: try reader.optionalText(),
                operation: try reader.text(), target: try reader.optionalText(), parameters: try reader.text(),
                refusal: try reader.optionalText()),
            previous: try reader.bytes(), hash: try reader.bytes())
    }

    /// Records of the audit, newest first, from the one in front of `before` on, down to the number `from`.
    ///
    /// `operation` is a name, or the part of it in front of the dot.
    package func auditRecords(
        before: Int64 = .max, from: Int64 = 1, since: Timestamp? = nil, actor: String? = nil, operation: String? = nil,
        limit: Int
    ) async throws(StorageError) -> [AuditRecord] {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.auditColumns) FROM audit
                WHERE number < $1 AND number >= $2 AND time_ms >= $3 AND ($4 = '' OR actor = $4)
                    AND ($5 = '' OR operation = $5 OR substr(operation, 1, length($5) + 1) = $5 || '.')
                ORDER BY number DESC
                LIMIT $6
                """,
                [
                    .int(before), .int(from), .int(since?.milliseconds ?? .min), .text(actor ?? ""),
                    .text(operation ?? ""), SQLValue(limit: limit),
                ])
            return try rows.map { row in try Self.auditRecord(row) }
        }
    }

    /// Where the chain ends as the store remembers it, and the number of the last record that there is.
    package func auditHead() async throws(StorageError) -> (head: AuditHead, last: Int64) {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                "SELECT number, hash, (SELECT coalesce(max(number), 0) FROM audit) FROM audit_head WHERE id = 1")
            guard let row = rows.first else {
                throw StorageError(.unusable, "The database has lost the head of its audit. Restore it from a backup.")
            }
            var reader = RowReader(row)
            return (AuditHead(number: try reader.int(), hash: try reader.bytes()), try reader.int())
        }
    }

    /// Records of the audit in the order of their numbers, those of `numbers`.
    package func auditRecords(numbers: ClosedRange<Int64>) async throws(StorageError) -> [AuditRecord] {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                "SELECT \(Self.auditColumns) FROM audit WHERE number >= $1 AND number <= $2 ORDER BY number",
                [.int(numbers.lowerBound), .int(numbers.upperBound)])
            return try rows.map { row in try Self.auditRecord(row) }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Attachments, kept once by the SHA-256 of their bytes in the database, so that every node sees them.
package enum Blobs {
    /// Larger ones are stored in a transaction of their own before the message's batch.
    package static let maximumInBatchBytes = 256 << 10
    /// How long a stored attachment waits for the message that refers to it before it may be collected.
    package static let gracePeriodSeconds: Int64 = 3600

    static func put(_ sha256: [UInt8], _ bytes: [UInt8], at time: Timestamp) -> SQLStatement {
        SQLStatement(
            """
            INSERT INTO blobs (sha256, bytes, created_ms) VALUES ($1, $2, $3)
            ON CONFLICT (sha256) DO UPDATE SET created_ms = $3
            """, [.bytes(sha256), .bytes(bytes), SQLValue(time)])
    }

    /// `$1` the time before which they were stored last.
    static let isUnused = "created_ms < $1 AND NOT EXISTS (SELECT 1 FROM blob_refs r WHERE r.sha256 = blobs.sha256)"

    static func findUnused(before time: Timestamp, limit: Int) -> SQLStatement {
        SQLStatement(
            "SELECT sha256 FROM blobs WHERE \(isUnused) LIMIT $2", [SQLValue(time), SQLValue(limit: limit)])
    }
}

extension LogTransaction {
    /// Stores attachments of a message, in place of those with their names.
    func store(_ blobs: [NewBlob], at position: Position) throws(StorageError) {
        for blob in blobs {
            var statements = blob.bytes.map { [Blobs.put(blob.sha256, $0, at: time)] } ?? []
            statements.append(
                SQLStatement(
                    """
                    INSERT INTO blob_refs (position, name, sha256) VALUES ($1, $2, $3)
                    ON CONFLICT (position, name) DO UPDATE SET sha256 = $3
                    """, [SQLValue(position), .text(blob.name), .bytes(blob.sha256)]))
            try connection.post(statements)
        }
    }
}

extension LogTransaction {
    /// How many bytes the attachments of a message take whose place others are about to take.
    func bytes(replacedBy blobs: [NewBlob], at position: Position) throws -> Int64 {
        try blobs.reduce(0) { sum, blob in
            let rows = try connection.rows(
                """
                SELECT CAST(length(b.bytes) AS BIGINT) FROM blob_refs p JOIN blobs b ON b.sha256 = p.sha256
                WHERE p.position = $1 AND p.name = $2
                """, [SQLValue(position), .text(blob.name)])
            guard let row = rows.first else { return sum }
            var reader = RowReader(row)
            return sum + (try reader.int())
        }
    }
}

extension Storage {
    /// Stores one large attachment ahead of its message.
    package func storeBlob(sha256: [UInt8], bytes: [UInt8]) async throws(StorageError) {
        let time = currentTime()
        try await write(.attachments) { connection in _ = try connection.execute(Blobs.put(sha256, bytes, at: time)) }
    }

    /// Removes up to `limit` attachments that no message refers to and that are older than the grace period.
    ///
    /// - Returns: How many were removed.
    package func collectBlobs(limit: Int = 100) async throws(StorageError) -> Int {
        let oldest = Timestamp(milliseconds: currentTime().milliseconds - Blobs.gracePeriodSeconds * 1000)
        // The search holds up no commit; what it finds may have been referred to since.
        let found = try await read(.chores) { connection in
            try connection.rows(Blobs.findUnused(before: oldest, limit: limit))
        }
        guard !found.isEmpty else { return 0 }
        return try await write(.chores) { connection in
            var removed = 0
            for row in found {
                removed += try connection.execute(
                    "DELETE FROM blobs WHERE \(Blobs.isUnused) AND sha256 = $2", [SQLValue(oldest)] + row)
            }
            return removed
        }
    }

    /// Finds a flow that was deleted and has not been removed.
    static let findDeletedFlow = SQLStatement(
        "SELECT id FROM flows WHERE deleted_ms IS NOT NULL ORDER BY id LIMIT 1")

    /// Removes the events of flows that were deleted, some at a time, and then the flows.
    ///
    /// - Returns: Whether nothing is left to do.
    package func purgeDeletedFlows(limit: Int = 1000) async throws(StorageError) -> Bool {
        let deleted = try await read(.chores) { connection in try connection.rows(Self.findDeletedFlow) }
        guard let flow = deleted.first?.first else { return true }
        return try await write(.chores) { connection in
            let events = try connection.rows(
                "SELECT position FROM events WHERE flow_id = $1 LIMIT $2", [flow, SQLValue(limit: limit)])
            if events.isEmpty {
                try connection.execute("DELETE FROM flows WHERE id = $1", [flow])
            } else {
                try self.removeEvents(at: events, on: connection)
            }
            return false
        }
    }

    /// Removes events with what belongs to them, and lets the search index forget their words afterwards.
    func removeEvents(at positions: [SQLRow], on connection: any SQLConnection) throws(StorageError) {
        let numbers = positions.compactMap { row -> Int64? in
            guard case .int(let position)? = row.first else { return nil }
            return position
        }
        let list = "(SELECT number FROM \(engine.dialect.numbers) n)"
        var statements = [
            // An edit that the index has not reached yet would put its words where those of the message were.
            """
            INSERT INTO search_removals (position)
            SELECT DISTINCT coalesce(replaces, position) FROM events
            WHERE position IN \(list) AND (number IS NOT NULL OR replaces IS NOT NULL)
            ON CONFLICT (position) DO NOTHING
            """
        ]
        statements += ["blob_refs", "event_bodies", "events"].map { "DELETE FROM \($0) WHERE position IN \(list)" }
        _ = try connection.rows(pipelined: statements.map { SQLStatement($0, [.numbers(numbers)]) })
    }
}

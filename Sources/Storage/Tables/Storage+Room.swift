// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What the tables take.
package struct StoredRoom: Sendable {
    package struct Table: Sendable {
        package var name: String
        /// `nil` for those of the search index.
        package var rows: Int64?
        package var bytes: Int64
    }

    package var tables: [Table]
    /// What can be used again without growing; `nil` if the engine does not say.
    package var freeBytes: Int64?
}

/// What can be removed.
package struct StoredGarbage: Sendable, Equatable {
    package var blobs: Int64
    package var blobBytes: Int64
    package var events: Int64
    package var eventBytes: Int64
    package var sessions: Int64
}

extension Storage {
    /// What every table takes on the disk, with its indexes.
    package func room() async throws(StorageError) -> StoredRoom {
        var room = try await readTables { reader in
            let tables = try Self.sizes(of: reader.tables.map(\.name), reader.dialect, on: reader.connection).map {
                table in
                var table = table
                table.rows = try reader.tables.first { $0.name == table.name }.map { try reader.count(of: $0) }
                return table
            }
            return StoredRoom(tables: tables, freeBytes: try Self.freeBytes(reader.dialect, on: reader.connection))
        }
        let dialect = engine.dialect
        let index = try await onSearchIndex { (index) async throws(StorageError) in
            try await index.read { connection in try Self.sizes(of: Self.searchTables, dialect, on: connection) }
        }
        room.tables += index ?? []
        return room
    }

    private static func sizes(
        of tables: [String], _ dialect: SQLDialect, on connection: any SQLConnection
    ) throws(StorageError) -> [StoredRoom.Table] {
        let list = "[" + tables.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        return try connection.rows(dialect.table.sizes, [.text(list)]).map { (row) throws(StorageError) in
            var columns = RowReader(row)
            return StoredRoom.Table(name: try columns.text(), rows: nil, bytes: try columns.int())
        }
    }

    /// What of the database's room can be used again without growing; `nil` if the engine does not say.
    package func freeBytes() async throws(StorageError) -> Int64? {
        let dialect = engine.dialect
        return try await engine.read { connection in try Self.freeBytes(dialect, on: connection) }
    }

    private static func freeBytes(
        _ dialect: SQLDialect, on connection: any SQLConnection
    ) throws(StorageError) -> Int64? {
        guard let statement = dialect.table.freeBytes, let row = try connection.rows(statement).first else {
            return nil
        }
        var columns = RowReader(row)
        return try columns.int()
    }

    /// What `collectBlobs`, `purgeDeletedFlows` and `removeSessions` would remove, in the end.
    package func garbage(sessionsExpiredBefore time: Timestamp) async throws(StorageError) -> StoredGarbage {
        let oldest = Timestamp(milliseconds: currentTime().milliseconds - Blobs.gracePeriodSeconds * 1000)
        return try await engine.read { connection in
            connection.allowLongStatements()
            func pair(_ sql: String, _ arguments: [SQLValue]) throws(StorageError) -> (Int64, Int64) {
                guard let row = try connection.rows(sql, arguments).first else { return (0, 0) }
                var columns = RowReader(row)
                return (try columns.int(), try columns.int())
            }
            // Those of deleted flows are free when their events are gone.
            let unusedSoon = """
                NOT EXISTS (
                    SELECT 1 FROM blob_refs r JOIN events e ON e.position = r.position
                    LEFT JOIN flows f ON f.id = e.flow_id
                    WHERE r.sha256 = blobs.sha256 AND f.deleted_ms IS NULL)
                """
            let blobs = try pair(
                "SELECT count(*), CAST(coalesce(sum(length(bytes)), 0) AS BIGINT) FROM blobs WHERE created_ms < $1 AND "
                    + "\(unusedSoon)",
                [SQLValue(oldest)])
            let events = try pair(
                """
                SELECT count(*), CAST(coalesce(sum(length(e.content)), 0) AS BIGINT)
                FROM events e JOIN flows f ON f.id = e.flow_id
                WHERE f.deleted_ms IS NOT NULL
                """, [])
            let sessions = try pair("SELECT count(*), 0 FROM sessions WHERE expires_ms < $1", [SQLValue(time)])
            return StoredGarbage(
                blobs: blobs.0, blobBytes: blobs.1, events: events.0, eventBytes: events.1, sessions: sessions.0)
        }
    }
}

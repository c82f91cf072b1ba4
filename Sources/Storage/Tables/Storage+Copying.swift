// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// How the mark in the list of migrations begins that says that a copy into this database was not finished.
    static let copyMark = "copying "

    /// Whether the applied migrations have the mark of a copy that was not finished.
    static func hasCopyMark(_ applied: [String]) -> Bool { applied.contains { $0.hasPrefix(copyMark) } }

    /// What the mark of a copy that was not finished says it is a copy of; `nil` when there is no such mark.
    package func copySource() async throws(StorageError) -> String? {
        guard try await migrationStatus().state == .copying else { return nil }
        return try await engine.read { connection in
            for row in try connection.rows("SELECT identifier FROM migrations") {
                var reader = RowReader(row)
                let identifier = try reader.text()
                if identifier.hasPrefix(Self.copyMark) { return String(identifier.dropFirst(Self.copyMark.count)) }
            }
            return nil
        }
    }
}

extension TableLoader {
    /// Marks the database as one into which a copy of `source` was begun: nothing else uses it until `endCopy`.
    package func beginCopy(of source: String) throws(StorageError) {
        try execute(
            "INSERT INTO migrations (identifier, applied_ms) VALUES ($1, 0)", [.text(Storage.copyMark + source)])
    }

    /// Takes the mark away: the database is whole.
    package func endCopy() throws(StorageError) {
        try execute("DELETE FROM migrations WHERE identifier LIKE $1", [.text(Storage.copyMark + "%")])
    }
}

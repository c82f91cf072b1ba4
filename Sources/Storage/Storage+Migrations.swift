// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where a database stands against the program's migrations.
package struct MigrationStatus: Sendable, Equatable {
    package enum State: String, Sendable {
        /// No table at all.
        case empty
        /// A database of something else.
        case foreign
        /// Ours, with migrations to come.
        case old
        case current
        /// Has migrations that this program does not know.
        case newer
        /// The applied migrations are not the first ones of the program's list.
        case halfMigrated
        /// A copy into it was begun and not finished.
        case copying
    }

    package var state: State
    package var applied: [String]
    package var pending: [String]
}

extension Storage {
    /// Compares the database with the program; changes nothing.
    package func migrationStatus() async throws(StorageError) -> MigrationStatus {
        try await engine.read { connection in try self.migrationStatus(on: connection) }
    }

    private func migrationStatus(on connection: any SQLConnection) throws(StorageError) -> MigrationStatus {
        let known = engine.dialect.migrations.map(\.identifier)
        guard try !connection.rows(engine.dialect.migrationsTableExists).isEmpty else {
            let isEmpty = try connection.rows(engine.dialect.anyTableExists).isEmpty
            return MigrationStatus(state: isEmpty ? .empty : .foreign, applied: [], pending: known)
        }
        var applied: [String] = []
        for row in try connection.rows("SELECT identifier FROM migrations ORDER BY identifier") {
            var reader = RowReader(row)
            applied.append(try reader.text())
        }
        let pending = known.filter { !applied.contains($0) }
        let state: MigrationStatus.State
        if Self.hasCopyMark(applied) {
            state = .copying
        } else if applied.contains(where: { !known.contains($0) }) {
            state = .newer
        } else if applied != Array(known.prefix(applied.count)) || applied.isEmpty {
            state = .halfMigrated
        } else {
            state = pending.isEmpty ? .current : .old
        }
        return MigrationStatus(state: state, applied: applied, pending: pending)
    }

    /// Throws unless the database is exactly what this program works with.
    package func checkSchema() async throws(StorageError) {
        try Self.check(try await migrationStatus(), forMigration: false)
    }

    private static func check(_ status: MigrationStatus, forMigration: Bool) throws(StorageError) {
        switch status.state {
        case .current: return
        case .empty:
            if forMigration { return }
            throw StorageError(.needsMigration, "The database has no tables yet. Create them with 'manage db create'.")
        case .old:
            if forMigration { return }
            throw StorageError(
                .needsMigration,
                "The database is older than this program (\(status.pending.count) migrations to go). Run 'manage db "
                    + "migrate'."
            )
        case .newer:
            throw StorageError(
                .newerThanProgram,
                "The database was made by a newer Parley. Use that version of the program; nothing was changed.",
                cause: "applied: \(status.applied)")
        case .foreign:
            throw StorageError(
                .unusable,
                "The database holds tables of another program. Name another database in [DATABASE] URI; nothing was "
                    + "changed."
            )
        case .copying:
            throw StorageError(
                .unusable,
                "A copy into the database was not finished. Continue it with 'manage db copy', or empty the database "
                    + "with 'manage db delete'."
            )
        case .halfMigrated:
            throw StorageError(
                .unusable,
                "The database is half migrated. Restore it from a backup; nothing was changed.",
                cause: "applied: \(status.applied)")
        }
    }

    /// Applies what is missing, each migration in one transaction.
    ///
    /// `progress` is called before each with its identifier. The result names those applied; it is empty if the schema
    /// was current. With `last` the migrations that come after that one are left to be applied.
    package func migrate(
        upTo last: String? = nil, progress: @Sendable (String) -> Void = { _ in }
    ) async throws(StorageError) -> [String] {
        let status = try await migrationStatus()
        try Self.check(status, forMigration: true)
        var applied: [String] = []
        let migrations = engine.dialect.migrations
        let end = migrations.firstIndex { $0.identifier == last } ?? migrations.endIndex - 1
        for migration in migrations[...end] where status.pending.contains(migration.identifier) {
            progress(migration.identifier)
            let time = currentTime()
            let done = try await engine.write { connection in
                connection.allowLongStatements()
                for statement in self.engine.dialect.beforeMigration { try connection.execute(statement) }
                // Another process may have been faster.
                let status = try self.migrationStatus(on: connection)
                try Self.check(status, forMigration: true)
                guard status.pending.contains(migration.identifier) else { return false }
                for statement in migration.statements { try connection.execute(statement) }
                try connection.execute(
                    "INSERT INTO migrations (identifier, applied_ms) VALUES ($1, $2)",
                    [.text(migration.identifier), SQLValue(time)])
                return true
            }
            if done { applied.append(migration.identifier) }
        }
        return applied
    }

    /// Drops every table of Parley and keeps the file or database.
    ///
    /// A half migrated database is dropped too: that repairs it.
    ///
    /// - Returns: Whether there was anything to drop.
    package func dropAllTables() async throws(StorageError) -> Bool {
        let status = try await migrationStatus()
        if status.state == .empty { return false }
        // Of a newer database the list of tables is not known.
        if status.state == .foreign || status.state == .newer { try Self.check(status, forMigration: true) }
        try await engine.write { connection in
            connection.allowLongStatements()
            for statement in self.engine.dialect.dropAllTables { try connection.execute(statement) }
        }
        if engine.dialect.search.isApart { try await engine.remakeSearchIndex() }
        return true
    }
}

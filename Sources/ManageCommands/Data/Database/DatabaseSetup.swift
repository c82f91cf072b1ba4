// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import ParleyServer
import Settings
import Storage

/// Makes, drops and migrates the tables.
///
/// This goes to the store itself, and not while a server runs.
struct DatabaseSetup: Sendable {
    let settings: Settings
    let output: OutputOptions

    /// Makes the tables.
    ///
    /// - Throws: `CommandError` with 7 when there are tables of Parley already.
    func create() async throws -> SchemaReport {
        try await withStorage(create: true) { storage in
            let status = try await storage.migrationStatus()
            switch status.state {
            case .current:
                throw CommandError(
                    .exists, "The database '\(settings.database.location)' exists already.",
                    nextStep: "Look at it with 'manage db status'.")
            case .old:
                throw CommandError(
                    .exists, "The database '\(settings.database.location)' exists already, of an older version.",
                    nextStep: "Bring it up to date with 'manage db migrate'.")
            case .empty, .newer, .foreign, .halfMigrated, .copying: break
            }
            return SchemaReport(
                location: "\(settings.database.location)", applied: try await migrate(storage), isCreated: true)
        }
    }

    /// Brings the tables up to date.
    func migrate() async throws -> SchemaReport {
        try await withStorage(create: false) { storage in
            let status = try await storage.migrationStatus()
            if status.state == .empty { throw noTables }
            return SchemaReport(
                location: "\(settings.database.location)", applied: try await migrate(storage), isCreated: false)
        }
    }

    /// Drops the tables, with consent, which is asked for when it is certain that there is something to lose.
    func delete(_ confirmation: DeletionOptions) async throws -> DeletedTablesReport {
        try await withStorage(create: false) { storage in
            if try await storage.migrationStatus().state == .empty { throw noTables }
            try confirmation.require(
                "Delete all accounts, flows and messages in '\(settings.database.location)'?",
                of: "\(settings.database.location)")
            guard try await storage.dropAllTables() else { throw noTables }
            return DeletedTablesReport(location: "\(settings.database.location)")
        }
    }

    private var noTables: CommandError {
        CommandError(
            .notFound, "The database '\(settings.database.location)' has no tables.",
            nextStep: "Create them with 'manage db create'.")
    }

    private func migrate(_ storage: Storage) async throws -> [String] {
        let output = output
        return try await storage.migrate { migration in
            // A note that cannot be written must not stop a migration.
            try? output.note("Applying \(migration)")
        }
    }

    private func withStorage<Result>(
        create: Bool, _ body: (Storage) async throws -> Result
    ) async throws -> Result {
        let logger = StandardErrorLogHandler.logger(.current, for: settings)
        let store = try await StoreAccess(settings: settings).openAlone(create: create, logger: logger)
        do {
            let result = try await body(store.storage)
            await store.close()
            return result
        } catch {
            // The error says what to do; what the database said is for those who ask for details.
            logger.error("The database could not be set up", metadata: ["error": "\(String(reflecting: error))"])
            await store.close()
            throw error
        }
    }
}

/// What `db create` and `db migrate` print.
struct SchemaReport: CommandReport {
    var location: String
    /// The migrations applied now.
    var applied: [String]
    /// Whether the tables were made, and not only brought up to date.
    var isCreated: Bool

    func text(style: TextStyle) -> String {
        let place = location.escapedForTerminal()
        if isCreated { return "Created the tables in \(place).\n" }
        if applied.isEmpty { return "The tables in \(place) were up to date.\n" }
        return "Brought the tables in \(place) up to date: \(applied.joined(separator: ", ")).\n"
    }
}

/// What `db delete` prints.
struct DeletedTablesReport: CommandReport {
    var location: String

    func text(style: TextStyle) -> String { "Deleted all tables in \(location.escapedForTerminal()).\n" }
}

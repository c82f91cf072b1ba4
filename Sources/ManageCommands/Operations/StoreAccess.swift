// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import ParleyServer
import Settings
import Storage
import Transport

/// Opens the store for this process alone, with words for what is in the way.
struct StoreAccess: Sendable {
    let settings: Settings

    /// Opens the store for an operation, although a server may run beside it (PostgreSQL).
    ///
    /// - Throws: `CommandError`: 75 when another process has the SQLite file, 69 when there is no database.
    func open(logger: Logger) async throws(CommandError) -> Store {
        do {
            return try await open(create: false, logger: logger)
        } catch {
            var error = error
            if error.status == .notFound { error.status = .unavailable }
            throw error
        }
    }

    /// Opens the store for reading, beside whatever works on it.
    ///
    /// - Throws: `CommandError`: 6 when there is no database.
    func openForReading() async throws -> Store {
        let logger = StandardErrorLogHandler.logger(.current, for: settings)
        return try await open(create: false, isReadOnly: true, logger: logger)
    }

    /// Refuses when a server that shares the database (PostgreSQL) has said lately that it runs.
    static func checkNoServer(uses storage: Storage) async throws {
        guard try await storage.migrationStatus().state == .current else { return }
        guard let node = try await storage.nodes().first(where: { $0.ageMilliseconds < silenceMilliseconds }) else {
            return
        }
        throw CommandError(
            .busy, "The server '\(node.name)' is running on this database.", nextStep: "Stop it, then try again.")
    }

    /// A server sends its heartbeats more often.
    private static let silenceMilliseconds: Int64 = 15_000

    private func open(create: Bool, isReadOnly: Bool = false, logger: Logger) async throws(CommandError) -> Store {
        if case .sqliteMemory = settings.database.location {
            throw CommandError(
                .unavailable, "The settings name a database in memory, which only a running server has.",
                nextStep: "Start one with 'manage runserver', or set DATABASE.URI to a file.")
        }
        do {
            return try await Store.open(settings, create: create, isReadOnly: isReadOnly, logger: logger)
        } catch {
            guard case .sqlite(let path) = settings.database.location else { throw error.commandError }
            if error.code == .unusable { try checkIsAllowed() }
            switch error.code {
            case .unavailable:
                throw CommandError(
                    .busy,
                    "The database '\(path)' is in use by a server or another command, and no server answers on "
                        + "'\(settings.admin.socket)'.",
                    nextStep: "Wait until it is done, or check [ADMIN] SOCKET.")
            default: throw error.commandError
            }
        }
    }

    /// Refuses a user whom the system does not let work on an SQLite file, or make the files beside it.
    func checkIsAllowed() throws(CommandError) {
        guard case .sqlite(let path) = settings.database.location else { return }
        let folder = SettingsFile(path: path, choice: .option).folder
        for (place, mode) in [(folder, W_OK | X_OK), (path, R_OK | W_OK)] where access(place, mode) != 0 {
            guard errno == EACCES || errno == EPERM else { continue }
            throw CommandError(
                .refused, "This user may not use the database '\(path)'.",
                nextStep: "Run the command as the server's user or as root.")
        }
    }

    /// Opens the store for what must not happen while a server runs.
    ///
    /// - Throws: `CommandError`: 75 when a server runs on it or another command works on it, 6 when there is none.
    func openAlone(create: Bool, logger: Logger) async throws -> Store {
        let inUse = CommandError(
            .busy, "A server is running on this database, or another command works on it.",
            nextStep: "Stop the server, then try again.")
        if case .postgres = settings.database.location, await isServerRunning() { throw inUse }
        do {
            return try await open(create: create, logger: logger)
        } catch {
            throw error.status == .busy ? inUse : error
        }
    }

    /// Whether a server on this machine answers; PostgreSQL has no lock that tells.
    private func isServerRunning() async -> Bool {
        do {
            try await AdminSocketClient.connect(path: settings.admin.socket) { _ in }
            return true
        } catch let error as AdminSocketError {
            // Another system account's server is one, too.
            return error.code == .notAllowed
        } catch {
            return false
        }
    }
}

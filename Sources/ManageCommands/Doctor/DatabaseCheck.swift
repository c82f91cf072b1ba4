// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Operations
import ParleyServer
import Settings
import Storage
import Transport

/// Examines the database that settings name; never makes or changes one.
struct DatabaseCheck: Sendable {
    /// How far ahead of the clock the log may be.
    private static let clockToleranceSeconds: Int64 = 60

    let settings: Settings
    /// The wall clock, in seconds since 1970.
    let now: @Sendable () -> Int

    /// For `config check`: what keeps the database from being used.
    static func findings(
        for settings: Settings, now: @escaping @Sendable () -> Int
    ) async -> [SettingsFinding] {
        await DatabaseCheck(settings: settings, now: now).examine().flatMap(\.findings)
    }

    /// The checks `database` and, where the log can be read, `clock`.
    func examine() async -> [DoctorCheck] {
        switch settings.database.location {
        case .sqliteMemory:
            let finding = finding(
                .databaseInMemory, .note,
                "The database is in memory: everything is gone when the server ends.",
                "Set DATABASE.URI to a file, such as sqlite:db_sqlite.db, to keep it.")
            return [DoctorCheck(.database, "SQLite in memory.", findings: [finding])]
        case .sqlite(let path):
            if let check = missingOrUnusable(path: path) { return [check] }
        case .postgres: break
        }
        do {
            let status = try await databaseStatus()
            var checks = [check(status)]
            checks[0].isCurrent = status.schema == MigrationStatus.State.current.rawValue
            if checks[0].isCurrent, let seconds = await newestEventSeconds() {
                checks.append(clockCheck(newestEventSeconds: seconds))
            }
            return checks
        } catch {
            let place = settings.database.location.description
            return [DoctorCheck(.database, "\(place) cannot be used.", findings: [finding(for: error)])]
        }
    }

    /// Asks the running server, or the store; what the store would log stands in the findings.
    private func databaseStatus() async throws -> DatabaseStatus.Report {
        var silent = CommandContext.current
        silent.standardError = TextOutput(isTerminal: false) { _ in }
        return try await CommandContext.$current.withValue(silent) {
            try await OperationRunner(settings: settings).run(DatabaseStatus())
        }
    }

    // MARK: Before opening

    /// Looks at an SQLite file without opening it as a database, which would change one that is not ours.
    private func missingOrUnusable(path: String) -> DoctorCheck? {
        func check(
            _ id: SettingsFinding.ID, _ summary: String, _ severity: SettingsFinding.Severity, _ message: String,
            _ remedy: String
        ) -> DoctorCheck {
            DoctorCheck(.database, summary, findings: [finding(id, severity, message, remedy)])
        }
        let making = "'manage runserver' and 'manage db create' make it."
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let number = errno
            guard number == ENOENT || number == ENOTDIR else {
                return check(
                    .databaseUnreadable, "\(path) cannot be read.", .error,
                    "The database '\(path)' cannot be read: \(String(cString: strerror(number))).",
                    "Give the user who runs the server the right to read and write it.")
            }
            guard access(SettingsFile(path: path, choice: .option).folder, W_OK | X_OK) == 0 else {
                return check(
                    .databaseFolder, "There is no database yet.", .error,
                    "The database '\(path)' does not exist, and its folder cannot be written to: "
                        + "\(String(cString: strerror(errno))).",
                    "Make the folder, writable for the user who runs the server, or set DATABASE.URI.")
            }
            return check(
                .databaseMissing, "There is no database yet.", .note, "The database '\(path)' does not exist yet.",
                making)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return check(
                .databaseForeign, "\(path) is no file.", .error, "The database '\(path)' is not an ordinary file.",
                "Set DATABASE.URI to a file.")
        }
        if status.st_size == 0 {
            return check(
                .databaseEmpty, "The file is empty.", .note, "The database '\(path)' has no tables yet.", making)
        }
        var header = [UInt8](repeating: 0, count: 16)
        guard read(descriptor, &header, header.count) == header.count, header == Array("SQLite format 3\0".utf8) else {
            return check(
                .databaseForeign, "\(path) is no database.", .error, "'\(path)' is not an SQLite database.",
                "Name another file in DATABASE.URI, or restore this one from a backup.")
        }
        guard access(path, W_OK) == 0 else {
            return check(
                .databaseReadOnly, "\(path) is read-only.", .error,
                "The database '\(path)' is read-only for this user.",
                "Run the command as the server's user, or give this user the right to write.")
        }
        return nil
    }

    // MARK: Judging

    /// What a database says about itself, and what it means.
    func check(_ status: DatabaseStatus.Report) -> DoctorCheck {
        let size = (status.sizeBytes + 1023) / 1024
        return DoctorCheck(
            .database,
            "\(status.engine), \(status.location), \(size) KiB, \(status.applied.count) migrations applied.",
            findings: schemaFindings(status) + durabilityFindings(status.durability))
    }

    private func schemaFindings(_ status: DatabaseStatus.Report) -> [SettingsFinding] {
        switch MigrationStatus.State(rawValue: status.schema) {
        case .current: []
        case .empty:
            [
                finding(
                    .databaseEmpty, .warning, "The database has no tables yet.", "Create them with 'manage db create'.")
            ]
        case .old:
            [
                finding(
                    .databaseOld, .warning,
                    "The database is older than this program; migrations to go: \(status.pending.count).",
                    "Make a backup, then run 'manage db migrate'.")
            ]
        case .newer, nil:
            [
                finding(
                    .databaseNewer, .error, "The database was made by a newer Parley.",
                    "Use that version of the program.")
            ]
        case .foreign:
            [
                finding(
                    .databaseForeign, .error, "The database holds tables of another program.",
                    "Name another database in DATABASE.URI.")
            ]
        case .copying:
            [
                finding(
                    .databaseCopying, .error, "A copy into the database was not finished.",
                    "Continue it with 'manage db copy', or empty the database with 'manage db delete'.")
            ]
        case .halfMigrated:
            [
                finding(
                    .databaseHalfMigrated, .error, "The database is half migrated.", "Restore it from a backup.")
            ]
        }
    }

    /// Finds settings of the database that lose messages which were acknowledged.
    func durabilityFindings(_ durability: [String: String]) -> [SettingsFinding] {
        let unsafe: [(name: String, values: Set<String>, remedy: String)] = [
            (
                "fsync", ["off"],
                "Set fsync = on in postgresql.conf and restart PostgreSQL: a power failure can destroy the database."
            ),
            (
                "full_page_writes", ["off"],
                "Set full_page_writes = on in postgresql.conf: a power failure can destroy the database."
            ),
            (
                "synchronous_commit", ["off"],
                "Set synchronous_commit = on in postgresql.conf: a crash loses acknowledged messages."
            ),
            (
                "synchronous", ["off", "normal"],
                "Report it: the server sets FULL, without which a power failure loses acknowledged messages."
            ),
        ]
        return unsafe.compactMap { name, values, remedy in
            guard let value = durability[name], values.contains(value.lowercased()) else { return nil }
            return finding(.databaseUndurable, .error, "The database runs with \(name) = \(value).", remedy)
        }
    }

    private func finding(for error: any Error) -> SettingsFinding {
        let failure = CommandError(reporting: error) ?? CommandError(.failed, "The database cannot be examined.")
        let severity: SettingsFinding.Severity = failure.status == .busy ? .warning : .error
        if let nextStep = failure.nextStep { return finding(.databaseUnusable, severity, failure.message, nextStep) }
        // The store's messages name the next step themselves, after the first sentence.
        let (message, remedy) = Self.sentences(of: failure.message)
        return finding(
            .databaseUnusable, severity, message, remedy ?? "Check DATABASE.URI and that the database is running.")
    }

    private func finding(
        _ id: SettingsFinding.ID, _ severity: SettingsFinding.Severity, _ message: String, _ remedy: String
    ) -> SettingsFinding {
        var finding = SettingsFinding(id, severity, key: SettingKey.databaseURI.path, message: message, remedy: remedy)
        if case .file(let path, let line)? = settings.values().first(where: { $0.key == .databaseURI })?.source {
            finding.file = path
            finding.line = line
        }
        return finding
    }

    /// The first sentence of a message, and the rest if there is one.
    private static func sentences(of message: String) -> (first: String, rest: String?) {
        guard let end = message.firstRange(of: ". ") else { return (message, nil) }
        return (message[..<end.lowerBound] + ".", String(message[end.upperBound...]))
    }

    // MARK: Clock

    /// The time of the newest event; `nil` when there is none, or a running server has the SQLite file to itself.
    private func newestEventSeconds() async -> Int64? {
        let logger = Logger(label: "parley.doctor") { _ in SwiftLogNoOpLogHandler() }
        guard let store = try? await Store.open(settings, create: false, logger: logger) else { return nil }
        let seconds = try? await newestEventSeconds(in: store.storage)
        await store.close()
        return seconds
    }

    private func newestEventSeconds(in storage: Storage) async throws(StorageError) -> Int64? {
        let head = try await storage.head().rawValue
        guard head > 0 else { return nil }
        return try await storage.events(after: Position(head - 1), limit: 1).first?.time.seconds
    }

    /// What the time of the newest event means: the log waits for a clock that is behind by up to a minute, and steps
    /// back to one that is further behind.
    func clockCheck(newestEventSeconds seconds: Int64) -> DoctorCheck {
        let ahead = seconds - Int64(now())
        guard ahead > Self.clockToleranceSeconds else {
            return DoctorCheck(.clock, "The newest event is not more than a minute ahead of the clock.")
        }
        let finding = SettingsFinding(
            .clockBehind, .warning, message: "The newest event lies \(ahead) seconds ahead of this machine's clock.",
            remedy: "Set the clock, for instance with 'timedatectl set-ntp true'; otherwise the log's time steps back "
                + "to it with the next event.")
        return DoctorCheck(.clock, "The clock lags behind the log.", findings: [finding])
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import ParleyServer
import Settings
import Storage

/// Where an import reads from, page by page.
protocol ImportSource: Sendable {
    /// Hands everything to the run: accounts first, messages last.
    func read(into run: inout ImportRun) async throws
}

/// One import: sends what a source reads to the server or the store, and gathers the report.
struct ImportRun {
    private let caller: OperationCaller
    private let bar: ProgressBar
    private(set) var report: ImportReport
    /// The uuids of chats that their two people had here already.
    private var merged: [String: String] = [:]
    private var tried = TriedUsers()

    private init(caller: OperationCaller, bar: ProgressBar, isDryRun: Bool) {
        self.caller = caller
        self.bar = bar
        report = ImportReport(isDryRun: isDryRun)
    }

    /// Runs an import and writes its report; ends with 5 when something was skipped.
    static func run(
        _ name: String, isDryRun: Bool, _ command: some CommonCommand, _ source: some ImportSource
    ) async throws {
        let runner = OperationRunner(settings: try command.loadSettings())
        let bar = ProgressBar(context: .current, isQuiet: command.output.isQuiet)
        defer { bar.finish() }
        let report = try await runner.withCaller { caller in
            var run = ImportRun(caller: caller, bar: bar, isDryRun: isDryRun)
            try await source.read(into: &run)
            return run.report
        }
        try command.output.write(report)
        if report.isIncomplete { throw ExitCode(CommandStatus.partlyFailed.rawValue) }
    }

    /// The same from a database.
    static func run(
        _ options: ImportOptions, _ name: String, _ command: some CommonCommand,
        _ source: (ForeignDatabase) -> some ImportSource
    ) async throws {
        let location = try location(of: options.source)
        let settings = try command.loadSettings()
        let database: ForeignDatabase
        do {
            database = try ForeignDatabase(
                location, logger: StandardErrorLogHandler.logger(.current, for: settings))
        } catch {
            throw CommandError(
                error.code == .notFound ? .notFound : .unavailable, "There is no database '\(location)' to import.",
                nextStep: "Check the path, and that this user may read it.")
        }
        do {
            try await run(name, isDryRun: options.isDryRun, command, source(database))
        } catch let error as StorageError {
            await database.close()
            throw CommandError(
                error.code == .unavailable ? .unavailable : .failed,
                "'\(location)' cannot be read as a database of \(name): \(error.commandError.message)")
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    private static func location(of source: String) throws -> DatabaseLocation {
        let context = CommandContext.current
        var place = source
        if source == "-" {
            place = try context.terminal.readAll(maximumBytes: 4096)
            while place.last?.isWhitespace == true { place.removeLast() }
        }
        let folder = context.currentFolder
        guard place.hasPrefix("postgres") || place.hasPrefix("sqlite:") else {
            return .sqlite(path: SettingsFile.chosen(option: place, environment: [:], currentFolder: folder).path)
        }
        let location: DatabaseLocation
        do {
            location = try DatabaseLocation(uri: place, folder: folder)
        } catch {
            throw CommandError(.usage, "The address of the database \(error.problem).", nextStep: error.remedy)
        }
        if source != "-", case .postgres(let postgres) = location, postgres.holdsSecret {
            throw CommandError(
                .usage, "The address holds a password, which every user of this machine could read.",
                nextStep: "Put it into ~/.pgpass, or give '-' and the address on standard input.")
        }
        return location
    }

    // MARK: Taking

    mutating func take(_ users: [ImportedUser]) async throws {
        guard !users.isEmpty else { return }
        if report.isDryRun {
            let (new, again) = tried.sort(users)
            let outcome = try await caller.run(ImportUsers(new, isDryRun: true))
            report.add(outcome, to: "accounts")
            report.add(tried.outcome(of: again, refused: outcome.skipped), to: "accounts")
        } else {
            report.add(try await caller.run(ImportUsers(users, isDryRun: false)), to: "accounts")
        }
        show("accounts")
    }

    mutating func take(_ pairs: [ImportContacts.Pair]) async throws {
        guard !pairs.isEmpty else { return }
        report.add(try await caller.run(ImportContacts(pairs, isDryRun: report.isDryRun)), to: "contacts")
        show("contacts")
    }

    mutating func take(_ flows: [ImportedFlow]) async throws {
        guard !flows.isEmpty else { return }
        let answer = try await caller.run(ImportFlows(flows, isDryRun: report.isDryRun))
        merged.merge(answer.merged) { $1 }
        report.add(answer.outcome, to: "flows")
        show("flows")
    }

    mutating func take(_ messages: [MessageToImport]) async throws {
        guard !messages.isEmpty else { return }
        var messages = messages
        for index in messages.indices {
            if let other = merged[messages[index].flow] { messages[index].flow = other }
        }
        report.add(try await caller.run(ImportMessages(messages, isDryRun: report.isDryRun)), to: "messages")
        show("messages")
    }

    mutating func skip(_ item: String, _ reason: String, in part: String) {
        report.skip(item, reason, in: part)
    }

    mutating func note(_ text: String) {
        report.note(text)
    }

    private func show(_ name: String) {
        guard let part = report.parts.first(where: { $0.name == name }) else { return }
        let done = part.taken + part.existing + part.skipped
        bar.show(OperationProgress(phase: name, done: done, total: done))
    }
}

extension SQLValue {
    /// A number, also one that is kept as text.
    var number: Int64? {
        switch self {
        case .int(let number): number
        case .text(let text): Int64(text)
        case .null, .bytes: nil
        }
    }

    /// A text, also a number as one.
    var string: String? {
        switch self {
        case .text(let text): text
        case .int(let number): String(number)
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        case .null: nil
        }
    }
}

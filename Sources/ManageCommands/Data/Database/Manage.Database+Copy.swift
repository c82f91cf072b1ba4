// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Logging
import Operations
import ParleyServer
import Settings

extension Manage.Database {
    /// `db copy`: moves everything into another database.
    struct Copy: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy everything into another, empty database, also of the other engine.",
            discussion: """
                Copies from the database of the settings, SQLite or PostgreSQL, with logins
                and attachments, and compares both sides row by row in the end. No server may
                run meanwhile. A copy that was interrupted continues when the same command is
                run again; until it is whole no server uses the target. A target that is a
                whole copy already is compared, and left as it is. Afterwards write the new
                address into the settings.

                A password does not belong on the command line: leave it to the file ~/.pgpass
                or the one that PGPASSFILE names, or give the address with --to-stdin.

                Examples:
                  manage db copy --to postgres://parley@localhost/parley --dry-run
                  manage db copy --to postgres://parley@localhost/parley
                  manage db copy --to sqlite:/srv/parley/parley.db
                  manage db copy --to-stdin < address.txt
                """
        )

        private static let maximumBytes = 4096

        @Option(
            name: .customLong("to"),
            help: ArgumentHelp("The database to copy into, as in [DATABASE] URI.", valueName: "uri"))
        var address: String?

        @Flag(name: .customLong("to-stdin"), help: "Read that address from standard input, or ask for it.")
        var isOnStandardInput = false

        @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Only check both databases and count the rows.")
        var isTrial = false

        @OptionGroup var common: CommonOptions

        func validate() throws {
            if (address == nil) != isOnStandardInput {
                throw ValidationError("Please give either --to or --to-stdin.")
            }
        }

        func run() async throws {
            let settings = try loadSettings()
            var targetSettings = settings
            targetSettings.database.location = try location(settings)
            guard targetSettings.database.location != settings.database.location else {
                throw CommandError(.usage, "A database cannot be copied into itself.")
            }
            let logger = StandardErrorLogHandler.logger(.current, for: settings)
            let source = try await StoreAccess(settings: settings).openAlone(create: false, logger: logger)
            do {
                try await StoreAccess.checkNoServer(uses: source.storage)
                try output.write(try await copy(from: source, to: targetSettings, logger: logger))
                await source.close()
            } catch {
                await source.close()
                throw error
            }
        }

        private func copy(from source: Store, to settings: Settings, logger: Logger) async throws -> CopyReport {
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let target = try await openTarget(settings, logger: logger)
            do {
                try await StoreAccess.checkNoServer(uses: target.storage)
                let copy = DatabaseCopy(from: source.storage, to: target.storage) { bar.show($0) }
                let report = isTrial ? try await copy.plan() : try await copy.run()
                await target.close()
                bar.finish()
                return CopyReport(report, location: "\(settings.database.location)", isTrial: isTrial)
            } catch {
                await target.close()
                throw error
            }
        }

        private func openTarget(_ settings: Settings, logger: Logger) async throws -> Store {
            if isTrial, case .sqlite(let path) = settings.database.location,
                !SettingsFile(path: path, choice: .option).exists
            {
                // What a file will be that is not there yet.
                var settings = settings
                settings.database.location = .sqliteMemory
                return try await Store.open(settings, create: true, logger: logger)
            }
            return try await StoreAccess(settings: settings).openAlone(create: !isTrial, logger: logger)
        }

        private func location(_ settings: Settings) throws -> DatabaseLocation {
            let context = CommandContext.current
            let terminal = context.terminal
            let text =
                try address
                ?? (terminal.isInteractive
                    ? terminal.password(prompt: "Address of the database to copy into (not shown)")
                    : terminal.readAll(maximumBytes: Self.maximumBytes).trimmingPrefixAndSuffixBlanks())
            let location: DatabaseLocation
            do {
                location = try DatabaseLocation(uri: text, folder: context.currentFolder)
            } catch {
                throw CommandError(.usage, "The address \(error.problem).", nextStep: error.remedy)
            }
            if address != nil, case .postgres(let place) = location, place.holdsSecret {
                throw CommandError(
                    .usage, "A password must not stand on the command line.",
                    nextStep: "Give the address with --to-stdin, or put the password into the file ~/.pgpass. "
                        + "It was visible on the command line: change it.")
            }
            return location
        }
    }
}

/// What `db copy` prints.
struct CopyReport: CommandReport {
    var location: String
    var rows: Int
    var tables: [BackupReport.Table]
    /// Whether an earlier copy was continued.
    var isContinuation: Bool
    /// Whether an earlier copy was whole.
    var wasComplete: Bool
    var isTrial: Bool

    init(_ report: DatabaseCopy.Report, location: String, isTrial: Bool) {
        self.location = location
        tables = report.tables.map { BackupReport.Table(name: $0.name, rows: $0.rows) }
        rows = tables.reduce(0) { $0 + $1.rows }
        (isContinuation, wasComplete) = (report.isContinuation, report.wasComplete)
        self.isTrial = isTrial
    }

    func text(style: TextStyle) -> String {
        let place = location.escapedForTerminal()
        let count = "\(rows.counted("row")) of \(tables.count.counted("table"))"
        if isTrial, !wasComplete {
            var table = TableText(headings: ["TABLE", "ROWS"])
            for item in tables { table.add([item.name, "\(item.rows)"]) }
            let verb = isContinuation ? "An unfinished copy would be continued" : "Would copy"
            return table.text(style: style) + "\(verb): \(count) into \(place). Nothing was changed.\n"
        }
        let done =
            wasComplete
            ? "The copy is complete already" : isContinuation ? "Continued and finished the copy" : "Copied"
        return """
            \(done): \(count) into \(place); both sides are the same.
            Write the new address into the settings with 'manage config set DATABASE.URI'; the server makes the search
            index anew.

            """
    }
}

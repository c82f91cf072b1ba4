// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Logging
import Operations
import ParleyServer
import Settings

extension Manage.Database {
    /// `db restore`: fills an empty database from a backup.
    struct Restore: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fill an empty database with what a backup holds.",
            discussion: """
                All or nothing: a torn or changed backup changes nothing, nor does a restore
                that is interrupted. The database of the settings may be of the other engine
                than the one that the backup was made from; it must have no data, and no
                server may run. 'manage db delete' empties one.

                Everybody logs in again: logins are not in a backup. The search index is
                made anew by the running server. Settings files in the backup are not put
                in place; 'tar -xzf FILE settings' takes them out.

                Examples:
                  manage db restore backup/parley-20260131-033000.tar.gz
                  manage db restore --config /etc/parley/new.ini parley.tar.gz
                  ssh backup.example.org 'cat parley.tar.gz' | manage db restore -
                """
        )

        @Argument(help: ArgumentHelp("The backup, or - for stdin.", valueName: "file"), completion: .file())
        var file: String

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try loadSettings()
            let logger = StandardErrorLogHandler.logger(.current, for: settings)
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            // A backup that cannot be read is refused before a database is made.
            let report: RestoreReport
            if file == "-" {
                report = try await restore(
                    CommandContext.current.terminal.input, settings: settings, logger: logger, bar: bar)
            } else {
                let path = SettingsFile.absolute(file, folder: CommandContext.current.currentFolder)
                report = try await ArchiveFile.read(path) { descriptor in
                    try await restore(descriptor, settings: settings, logger: logger, bar: bar)
                }
            }
            bar.finish()
            try output.write(report)
        }

        private func restore(
            _ descriptor: Int32, settings: Settings, logger: Logger, bar: ProgressBar
        ) async throws -> RestoreReport {
            let store = try await StoreAccess(settings: settings).openAlone(create: true, logger: logger)
            do {
                try await StoreAccess.checkNoServer(uses: store.storage)
                let report = try await Archive.Restore.restore(descriptor, into: store.storage) { bar.show($0) }
                await store.close()
                return RestoreReport(report, location: "\(settings.database.location)")
            } catch {
                await store.close()
                throw error
            }
        }
    }
}

/// What `db restore` prints.
struct RestoreReport: CommandReport {
    var location: String
    /// When the backup was made.
    var created: String
    var rows: Int
    var attachments: Int
    var tables: [BackupReport.Table]
    /// Why some tables of the database were not in the backup.
    var leftOut: [String: String]

    init(_ report: Archive.Restore.Report, location: String) {
        let read = BackupReport(report.about, report.manifest, file: nil, bytes: 0)
        self.location = location
        created = report.about.created
        (rows, attachments, tables) = (read.rows, read.attachments, read.tables)
        leftOut = ArchiveForm.leftOut
    }

    func text(style: TextStyle) -> String {
        """
        Restored \(rows.counted("row")) and \(attachments.counted("attachment")) of \(created.escapedForTerminal()) \
        into \(location.escapedForTerminal()).
        Logins are not in a backup: everybody logs in again. The server makes the search index anew.

        """
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Glibc
import Operations
import ParleyServer
import Settings
import Storage

extension Manage.Database {
    /// `db backup`: writes everything in the database to a file or to stdout.
    struct Backup: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a backup of the whole database to one file.",
            discussion: """
                Works beside a running server, with SQLite and with PostgreSQL, and can be
                restored into either. The file is a tar.gz of lines of JSON, attachments and
                the settings file without secrets, with counts and SHA-256 sums; it is there
                only when it is whole, and readable by its owner only. It holds messages and
                password hashes. Without FILE it goes to [BACKUP] FOLDER.

                Logins (sessions) are left out: after a restore everybody logs in again.

                Examples:
                  manage db backup
                  manage db backup before-upgrade.tar.gz
                  manage db backup --with-secrets /mnt/safe/parley.tar.gz
                  manage db backup - | ssh backup.example.org 'cat > parley.tar.gz'
                """
        )

        @Argument(
            help: ArgumentHelp("The file to write, or - for stdout.", valueName: "file"), completion: .file())
        var file: String?

        @Flag(help: "Include the settings file as it is and the key of [SECRETS] KEY_FILE.")
        var withSecrets = false

        @OptionGroup var common: CommonOptions

        private var isStandardOutput: Bool { file == "-" }

        func validate() throws {
            if isStandardOutput, output.isJSON {
                throw ValidationError("Please give --json with a file: the backup itself goes to standard output.")
            }
        }

        func run() async throws {
            let settings = try loadSettings()
            if isStandardOutput, isatty(STDOUT_FILENO) == 1 {
                throw CommandError(
                    .usage, "A backup is not written to a terminal.", nextStep: "Name a file, or use a pipe.")
            }
            let backup = Archive.Backup(
                program: CommandContext.current.version,
                files: withSecrets ? settings.filesWithSecrets : settings.filesForBackup)
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let store = try await StoreAccess(settings: settings).openForReading()
            do {
                let storage = store.storage
                let path = try path(settings, at: storage.currentTime())
                let report: Archive.Backup.Report
                if isStandardOutput {
                    report = try await backup.write(storage, to: STDOUT_FILENO) { bar.show($0) }
                } else {
                    report = try await ArchiveFile.write(to: path) { descriptor in
                        try await backup.write(storage, to: descriptor) { bar.show($0) }
                    }
                }
                await store.close()
                bar.finish()
                let made = BackupReport(report, file: isStandardOutput ? nil : path)
                if isStandardOutput { try output.note(made.sentence) } else { try output.write(made) }
            } catch {
                await store.close()
                throw error
            }
        }

        private func path(_ settings: Settings, at time: Timestamp) throws -> String {
            if let file { return SettingsFile.absolute(file, folder: CommandContext.current.currentFolder) }
            let folder = BackupFolder(path: settings.backup.folder)
            try folder.create()
            return folder.newPath(at: time)
        }
    }
}

/// What `db backup` prints.
struct BackupReport: CommandReport {
    /// What there is of a table.
    struct Table: Encodable {
        var name: String
        var rows: Int
    }

    /// `nil` for stdout.
    @Nullable var file: String?
    var bytes: Int
    var created: String
    var attachments: Int
    var attachmentBytes: Int
    var rows: Int
    var tables: [Table]

    init(_ report: Archive.Backup.Report, file: String?) {
        self.init(report.about, report.manifest, file: file, bytes: report.bytes)
    }

    init(_ about: ArchiveAbout, _ manifest: ArchiveManifest, file: String?, bytes: Int) {
        self.file = file
        self.bytes = bytes
        created = about.created
        attachments = manifest.attachments
        attachmentBytes = manifest.attachmentBytes
        tables = manifest.tables.map { Table(name: $0.name, rows: $0.rows) }
        rows = tables.reduce(0) { $0 + $1.rows }
    }

    var sentence: String {
        let place = file.map { " to \($0.escapedForTerminal())" } ?? ""
        return
            "Wrote \(rows.counted("row")) and \(attachments.counted("attachment"))\(place) (\(bytes.counted("byte")))."
    }

    func text(style: TextStyle) -> String { sentence + "\n" }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Operations
import Settings

extension Manage.Backup {
    /// `backup verify`: reads a backup to its end.
    struct Verify: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a backup to its end and compare it with its sums.",
            discussion: """
                Needs no database. A backup that is torn, was changed or is of a newer
                version ends the command with status 3.

                Examples:
                  manage backup verify backup/parley-20260131-033000.tar.gz
                  manage backup verify --json parley.tar.gz
                """
        )

        @Argument(help: ArgumentHelp("The backup, or - for stdin.", valueName: "file"), completion: .file())
        var file: String

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let context = CommandContext.current
            let bar = ProgressBar(context: context, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let path = SettingsFile.absolute(file, folder: context.currentFolder)
            let report: Restore.Report
            do {
                if file == "-" {
                    report = try Restore.verify(context.terminal.input)
                } else {
                    let size = SettingsFile(path: path, choice: .option).bytes ?? 0
                    report = try await Restore.verify(path) { consumed in
                        bar.show(OperationProgress(phase: "bytes", done: consumed, total: size))
                    }
                }
            } catch let error as ArchiveError where error.code == .newer {
                throw CommandError(.findings, error.description)
            }
            bar.finish()
            try output.write(VerifiedBackupReport(report, file: file == "-" ? nil : path))
        }
    }
}

/// What `backup verify` prints.
struct VerifiedBackupReport: CommandReport {
    @Nullable var file: String?
    var created: String
    /// The version of the program that made it.
    var program: String
    var engine: String
    var schema: [String]
    var rows: Int
    var attachments: Int
    var tables: [BackupReport.Table]

    init(_ report: Restore.Report, file: String?) {
        let read = BackupReport(report.about, report.manifest, file: nil, bytes: 0)
        self.file = file
        (created, program, engine, schema) = (
            report.about.created, report.about.program, report.about.engine, report.about.schema
        )
        (rows, attachments, tables) = (read.rows, read.attachments, read.tables)
    }

    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Created", created)
        fields.add("Program", program)
        fields.add("Engine", engine)
        fields.add("Schema", schema.last ?? "-")
        for table in tables where table.rows > 0 { fields.add(table.name, table.rows.counted("row")) }
        fields.add("Attachments", "\(attachments)")
        return fields.text(style: style) + "The backup is whole.\n"
    }
}

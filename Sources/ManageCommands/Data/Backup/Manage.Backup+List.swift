// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Operations
import Settings

extension Manage.Backup {
    /// `backup list`: the backups of a folder.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the backups in a folder.",
            discussion: """
                Reads the beginning of each file only; 'manage backup verify' reads all of it.

                Examples:
                  manage backup list
                  manage backup list /mnt/safe --json
                """
        )

        @Argument(
            help: ArgumentHelp("The folder. (default: [BACKUP] FOLDER)", valueName: "folder"),
            completion: .directory)
        var folder: String?

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let path =
                try folder.map { SettingsFile.absolute($0, folder: CommandContext.current.currentFolder) }
                ?? loadSettings().backup.folder
            try output.write(BackupListReport(folder: path, entries: try BackupFolder(path: path).entries()))
        }
    }
}

/// What `backup list` prints.
struct BackupListReport: CommandReport {
    struct Item: Encodable {
        var name: String
        var bytes: Int
        @Nullable var created: String?
        @Nullable var program: String?
        @Nullable var engine: String?
        /// Whether its beginning can be read.
        var isReadable: Bool
    }

    var folder: String
    var backups: [Item]

    init(folder: String, entries: [BackupFolder.Entry]) {
        self.folder = folder
        backups = entries.map { entry in
            Item(
                name: entry.name, bytes: entry.bytes, created: entry.about?.created, program: entry.about?.program,
                engine: entry.about?.engine, isReadable: entry.about != nil)
        }
    }

    func text(style: TextStyle) -> String {
        if backups.isEmpty { return "No backups in \(folder.escapedForTerminal()).\n" }
        var table = TableText(headings: ["NAME", "BYTES", "CREATED", "PROGRAM", "ENGINE"])
        for item in backups {
            table.add([
                item.name, "\(item.bytes)", item.created ?? "unreadable", item.program ?? "-", item.engine ?? "-",
            ])
        }
        return table.text(style: style)
    }
}

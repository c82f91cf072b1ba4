// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Writes everything that a store holds as it is at one moment, beside whatever else works on it.
package struct Backup: Sendable {
    /// What was written.
    package struct Report: Sendable {
        package var about: ArchiveAbout
        package var manifest: ArchiveManifest
        /// Of the archive, compressed.
        package var bytes: Int
    }

    /// The program's version.
    let program: String
    /// Settings files that go into the archive.
    let files: [ArchivedFile]

    package init(program: String, files: [ArchivedFile]) {
        self.program = program
        self.files = files
    }

    /// Writes the archive to an open file.
    ///
    /// `progress` is called now and then; what it throws ends the backup.
    package func write(
        _ storage: Storage, to descriptor: Int32,
        progress: @escaping @Sendable (ArchiveProgress) throws -> Void = { _ in }
    ) async throws -> Report {
        // An older schema is what a backup is made of before an upgrade.
        let state = try await storage.migrationStatus().state
        if state != .old { try await storage.checkSchema() }
        let carried = CarriedError()
        let (program, files, now) = (program, files, storage.currentTime())
        let engine = storage.engine.dialect.name
        return try await carried.unpacking {
            try await storage.readTables { reader in
                try carried.carrying {
                    let tables = reader.tables.compactMap(ArchiveForm.kept)
                    let about = ArchiveAbout(
                        format: ArchiveForm.version, program: program, created: now.text, engine: engine,
                        schema: reader.migrations, leftOut: ArchiveForm.leftOut,
                        tables: tables.map { table in
                            ArchiveAbout.Table(
                                name: table.name,
                                columns: table.columns.map { .init(name: $0.name, type: $0.type.word) })
                        })
                    var writer = try ArchiveWriter(descriptor: descriptor, time: now)
                    try writer.document(ArchiveForm.about, try ArchiveForm.encoded(about))
                    for file in files { try writer.document(ArchiveForm.settingsFolder + file.name, file.bytes) }
                    let total = try tables.reduce(0) { try $0 + Int(reader.count(of: $1)) }
                    var done = 0
                    for table in tables {
                        var count = 0
                        try writer.table(table, from: reader) { rows in
                            count = rows
                            try progress(ArchiveProgress(phase: "rows", done: done + rows, total: total))
                        }
                        done += count
                    }
                    let manifest = try writer.finish()
                    return Report(about: about, manifest: manifest, bytes: writer.written)
                }
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Storage
import Threads

/// Reads archives: checks them, and fills an empty store with what they hold.
package enum Restore {
    /// What was found or restored.
    package struct Report: Sendable {
        package var about: ArchiveAbout
        package var manifest: ArchiveManifest
    }

    /// Reads an archive to its end and compares it with its manifest.
    ///
    /// - Parameters:
    ///   - descriptor: The open file, at its beginning.
    ///   - progress: Called with the bytes of the file that were read; what it throws ends the check.
    /// - Returns: What the archive holds.
    /// - Throws: `ArchiveError` that says what is the matter.
    package static func verify(
        _ descriptor: Int32, progress: @escaping (_ consumed: Int) throws -> Void = { _ in }
    ) throws -> Report {
        let reader = try ArchiveReader(descriptor: descriptor)
        let manifest = try reader.rest(.init(progress: { try progress($1) }))
        return Report(about: reader.about, manifest: manifest)
    }

    /// Verifies a file on a thread of its own, so that a server goes on.
    package static func verify(
        _ path: String, progress: @escaping @Sendable (_ consumed: Int) throws -> Void = { _ in }
    ) async throws -> Report {
        try await withCheckedThrowingContinuation { continuation in
            let hasStarted = BlockingThread.start {
                continuation.resume(
                    with: Result { try ArchiveFile.read(path) { try verify($0, progress: progress) } })
            }
            if !hasStarted {
                continuation.resume(throwing: ArchiveError(.inputOutput, "The system gave no thread for reading."))
            }
        }
    }

    /// Fills a store that has no data with what an archive holds, all or nothing.
    ///
    /// The schema becomes that of the archive first, and this program's afterwards. A file that can be read twice is
    /// verified before anything is written; in any case nothing is committed before the manifest was compared.
    ///
    /// `descriptor` is the open file, at its beginning. What goes wrong is an `ArchiveError`, a `StorageError`, or what
    /// `progress` throws.
    package static func restore(
        _ descriptor: Int32, into storage: Storage,
        progress: @escaping @Sendable (ArchiveProgress) throws -> Void = { _ in }
    ) async throws -> Report {
        var total = 0
        if lseek(descriptor, 0, SEEK_CUR) == 0 {
            var status = stat()
            let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
            let checked = try verify(descriptor) { consumed in
                try progress(ArchiveProgress(phase: "bytes verified", done: consumed, total: size))
            }
            total = checked.manifest.tables.reduce(0) { $0 + $1.rows }
            guard lseek(descriptor, 0, SEEK_SET) == 0 else {
                throw ArchiveError(.inputOutput, "The archive cannot be read twice.")
            }
        }
        // Only the transaction uses it, which this function waits for.
        nonisolated(unsafe) let reader = try ArchiveReader(descriptor: descriptor)
        let about = reader.about
        try await prepareSchema(about, of: storage)
        let carried = CarriedError()
        let manifest = try await carried.unpacking {
            try await storage.loadTables { [total] loader in
                try carried.carrying {
                    try checkIsEmpty(loader.reader)
                    return try load(reader, with: loader) { rows in
                        try progress(ArchiveProgress(phase: "rows", done: rows, total: total))
                    }
                }
            }
        }
        _ = try await storage.migrate()
        return Report(about: about, manifest: manifest)
    }

    private static func load(
        _ reader: ArchiveReader, with loader: TableLoader, progress: @escaping (Int) throws -> Void
    ) throws -> ArchiveManifest {
        var table: StoredTable?
        var visitor = ArchiveReader.Visitor()
        visitor.begin = { described in
            let found = loader.reader.tables.first { $0.name == described.name }
            guard let found, let kept = ArchiveForm.kept(found),
                kept.columns
                    == described.columns.compactMap({ column in column.sqlType.map { .init(column.name, $0) } })
            else { throw ArchiveError.damaged("it describes a table that its schema does not have") }
            if Storage.headTables.contains(found.name) { try loader.clear(found) }
            table = found.name == ArchiveForm.attachmentTable ? withAttachments(kept) : kept
        }
        visitor.rows = { rows in if let table { try loader.insert(rows, into: table) } }
        visitor.attachment = { row, bytes in
            if let table { try loader.insert([row + [.bytes(bytes)]], into: table) }
        }
        visitor.progress = { rows, _ in try progress(rows) }
        let manifest = try reader.rest(visitor)
        let missing = loader.reader.tables.compactMap(ArchiveForm.kept).first { kept in
            !manifest.tables.contains { $0.name == kept.name }
        }
        if let missing { throw ArchiveError.damaged("table '\(missing.name)' is missing") }
        try loader.continueNumbers()
        return manifest
    }

    private static func withAttachments(_ table: StoredTable) -> StoredTable {
        var table = table
        table.columns.append(.init(ArchiveForm.attachmentColumn, .bytes))
        return table
    }

    /// Makes the tables as they were when the archive was made.
    private static func prepareSchema(_ about: ArchiveAbout, of storage: Storage) async throws {
        let known = storage.engine.dialect.migrations.map(\.identifier)
        guard !about.schema.isEmpty, about.schema.allSatisfy(known.contains) else {
            throw ArchiveError(
                .newer, "The archive was made by a newer Parley. Use that version of the program; nothing was changed.")
        }
        guard about.schema == Array(known.prefix(about.schema.count)) else {
            throw ArchiveError.damaged("it names migrations that never were")
        }
        let status = try await storage.migrationStatus()
        if status.state == .current || status.state == .old {
            let carried = CarriedError()
            try await carried.unpacking {
                try await storage.readTables { reader in try carried.carrying { try checkIsEmpty(reader) } }
            }
            if status.applied != about.schema { _ = try await storage.dropAllTables() }
        }
        _ = try await storage.migrate(upTo: about.schema.last)
    }

    /// Refuses a database with data.
    static func checkIsEmpty(_ reader: TableReader) throws {
        for table in reader.tables
        where !Storage.headTables.contains(table.name) && ArchiveForm.leftOut[table.name] == nil {
            guard try reader.count(of: table) == 0 else {
                throw ArchiveError(
                    .notEmpty,
                    "The database has data already (table '\(table.name)'). Only an empty one can be filled; nothing "
                        + "was changed."
                )
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Storage

/// Writes the members of an archive in their order.
struct ArchiveWriter {
    private let tar: TarWriter
    private var manifest = ArchiveManifest(documents: [], tables: [], attachments: 0, attachmentBytes: 0)
    /// Bytes of the file so far.
    var written: Int { tar.written }

    /// `time` is what the members say about when they were written.
    init(descriptor: Int32, time: Timestamp) throws {
        tar = try TarWriter(descriptor: descriptor, time: time)
    }

    /// Writes `about.json` or a settings file.
    mutating func document(_ name: String, _ bytes: [UInt8]) throws {
        guard bytes.count <= ArchiveForm.maximumDocumentBytes else {
            throw ArchiveError(.inputOutput, "'\(name)' is too large for an archive.")
        }
        try tar.file(name, bytes)
        manifest.documents.append(
            ArchiveManifest.Document(name: name, sha256: Hexadecimal.text(SHA256Digest.digest(of: bytes))))
    }

    /// Writes the rows of a table.
    mutating func table(
        _ table: StoredTable, from reader: TableReader, progress: (_ rows: Int) throws -> Void
    ) throws {
        var hash = SHA256Stream()
        var part: [UInt8] = []
        var waiting: [SQLRow] = []
        var (rows, parts) = (0, 0)
        let holdsAttachments = table.name == ArchiveForm.attachmentTable
        var attachments: (count: Int, bytes: Int) = (0, 0)
        func endPart() throws {
            guard !part.isEmpty else { return }
            parts += 1
            try tar.file(ArchiveForm.part(parts, of: table.name), part)
            hash.update(part)
            part.removeAll(keepingCapacity: true)
            for row in waiting {
                let key = Array(row.prefix(table.keyCount))
                guard case .bytes(let sha256)? = key.first,
                    case .bytes(let bytes)? = try reader.value(of: ArchiveForm.attachmentColumn, in: table, key: key)
                else { throw StorageError(.readFailed, "An attachment of the database cannot be read.") }
                try tar.file(ArchiveForm.attachment(Hexadecimal.text(sha256)), bytes)
                attachments.count += 1
                attachments.bytes += bytes.count
            }
            waiting = []
        }
        try reader.forEachPage(of: table) { page in
            for row in page {
                RowCodec.append(row, to: &part)
                rows += 1
                if holdsAttachments { waiting.append(row) }
                if part.count >= ArchiveForm.partBytes { try endPart() }
            }
            try progress(rows)
        }
        try endPart()
        manifest.attachments += attachments.count
        manifest.attachmentBytes += attachments.bytes
        manifest.tables.append(
            ArchiveManifest.Table(name: table.name, rows: rows, sha256: Hexadecimal.text(hash.digest())))
    }

    /// Writes `manifest.json` and the end.
    func finish() throws -> ArchiveManifest {
        try tar.file(ArchiveForm.manifest, try ArchiveForm.encoded(manifest))
        try tar.finish()
        return manifest
    }
}

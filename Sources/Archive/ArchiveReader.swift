// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Storage

/// Reads an archive from its beginning to its end, and refuses whatever does not stand where it must.
///
/// What it hands over is certain only when `rest` has returned: the digests come last.
final class ArchiveReader {
    /// What is told of the rows, as they come.
    struct Visitor {
        /// Called before the first row of each table.
        var begin: (ArchiveAbout.Table) throws -> Void = { _ in }
        /// Some rows of the table.
        var rows: ([SQLRow]) throws -> Void = { _ in }
        /// A row of the table of attachments, with its bytes.
        var attachment: (SQLRow, [UInt8]) throws -> Void = { _, _ in }
        /// How many rows have come, and how many bytes of the file.
        var progress: (_ rows: Int, _ consumed: Int) throws -> Void = { _, _ in }
    }

    private let tar: TarReader
    private var next: TarHeader?
    /// What the archive says it is.
    let about: ArchiveAbout
    /// The settings files.
    private(set) var files: [ArchivedFile] = []
    private var manifest = ArchiveManifest(documents: [], tables: [], attachments: 0, attachmentBytes: 0)
    private var rowCount = 0

    /// Reads `about.json` and the settings files.
    init(descriptor: Int32) throws {
        tar = try TarReader(descriptor: descriptor)
        next = try tar.header()
        guard let first = next, first.name == ArchiveForm.about else {
            throw ArchiveError.damaged("it has no beginning")
        }
        let bytes = try tar.content(of: first, limit: ArchiveForm.maximumDocumentBytes)
        about = try Self.about(bytes)
        manifest.documents.append(.init(name: first.name, sha256: Self.digits(of: bytes)))
        next = try tar.header()
        try readFiles()
    }

    private static func about(_ bytes: [UInt8]) throws(ArchiveError) -> ArchiveAbout {
        struct Head: Decodable { var format: Int }
        let head = try ArchiveForm.decoded(Head.self, bytes, name: ArchiveForm.about)
        guard head.format <= ArchiveForm.version else {
            throw ArchiveError(
                .newer, "The archive was made by a newer Parley. Use that version of the program; nothing was changed.")
        }
        let about = try ArchiveForm.decoded(ArchiveAbout.self, bytes, name: ArchiveForm.about)
        guard Set(about.tables.map(\.name)).count == about.tables.count,
            about.tables.allSatisfy({ table in !table.columns.isEmpty && table.columns.allSatisfy { $0.sqlType != nil }
            })
        else { throw .damaged("'\(ArchiveForm.about)' is contradictory") }
        return about
    }

    private func readFiles() throws {
        while let header = next, header.name.hasPrefix(ArchiveForm.settingsFolder) {
            let name = String(header.name.dropFirst(ArchiveForm.settingsFolder.count))
            guard files.count < ArchiveForm.maximumSettingsFiles, Self.isPlainName(name),
                !files.contains(where: { $0.name == name })
            else { throw ArchiveError.damaged("it has a settings file that must not be there") }
            let bytes = try content(of: header, limit: ArchiveForm.maximumDocumentBytes)
            manifest.documents.append(.init(name: header.name, sha256: Self.digits(of: bytes)))
            files.append(ArchivedFile(name: name, bytes: bytes))
        }
    }

    /// Reads everything else, and compares it with the manifest.
    func rest(_ visitor: Visitor = Visitor()) throws -> ArchiveManifest {
        for table in about.tables { try read(table, visitor) }
        guard let header = next, header.name == ArchiveForm.manifest else {
            throw ArchiveError.damaged(next == nil ? "it ends too early" : "it has a member that must not be there")
        }
        let bytes = try content(of: header, limit: ArchiveForm.maximumDocumentBytes)
        let written = try ArchiveForm.decoded(ArchiveManifest.self, bytes, name: ArchiveForm.manifest)
        guard next == nil else { throw ArchiveError.damaged("something follows its end") }
        try tar.expectEnd()
        guard written == manifest else {
            throw ArchiveError.damaged("\(difference(from: written)) does not fit the manifest")
        }
        return manifest
    }

    private func difference(from written: ArchiveManifest) -> String {
        if written.documents != manifest.documents { return "what it says about itself, or a settings file," }
        for (table, other) in zip(manifest.tables, written.tables) where table != other {
            return "table '\(table.name)'"
        }
        return "what it holds"
    }

    private func read(_ table: ArchiveAbout.Table, _ visitor: Visitor) throws {
        try visitor.begin(table)
        let types = table.columns.compactMap(\.sqlType)
        let holdsAttachments = table.name == ArchiveForm.attachmentTable
        var hash = SHA256Stream()
        var (rows, part) = (0, 1)
        while let header = next, header.name == ArchiveForm.part(part, of: table.name) {
            let bytes = try content(of: header, limit: ArchiveForm.maximumMemberBytes)
            hash.update(bytes)
            let page = try RowCodec.rows(bytes, types: types)
            if holdsAttachments {
                for row in page { try readAttachment(of: row, visitor) }
            } else {
                try visitor.rows(page)
            }
            rows += page.count
            rowCount += page.count
            part += 1
            try visitor.progress(rowCount, tar.consumed)
        }
        manifest.tables.append(.init(name: table.name, rows: rows, sha256: Hexadecimal.text(hash.digest())))
    }

    private func readAttachment(of row: SQLRow, _ visitor: Visitor) throws {
        guard case .bytes(let sha256)? = row.first, let header = next,
            header.name == ArchiveForm.attachment(Hexadecimal.text(sha256))
        else { throw ArchiveError.damaged("an attachment is missing") }
        let bytes = try content(of: header, limit: ArchiveForm.maximumMemberBytes)
        guard SHA256Digest.digest(of: bytes) == sha256 else { throw ArchiveError.damaged("an attachment was changed") }
        manifest.attachments += 1
        manifest.attachmentBytes += bytes.count
        try visitor.attachment(row, bytes)
    }

    // MARK: Members

    private func content(of header: TarHeader, limit: Int) throws -> [UInt8] {
        let bytes = try tar.content(of: header, limit: limit)
        next = try tar.header()
        return bytes
    }

    private static func digits(of bytes: [UInt8]) -> String { Hexadecimal.text(SHA256Digest.digest(of: bytes)) }

    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: ".")
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }
}

extension ArchiveAbout.Column {
    var sqlType: SQLType? {
        switch type {
        case "int": .int
        case "text": .text
        case "bytes": .bytes
        default: nil
        }
    }
}

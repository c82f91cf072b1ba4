// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Storage

/// The form of an archive: a gzipped tar file whose members stand in a fixed order.
///
///     about.json                        who made it, of what, and which tables with which columns follow
///     settings/NAME                     settings files
///     tables/TABLE/00000001.jsonl       the rows of a table, one JSON array on each line, in parts of about 1 MiB
///     attachments/SHA256                after each part of `blobs`, the bytes of its rows in their order
///     manifest.json                     counts and digests of everything before
package enum ArchiveForm {
    /// Grows when an older program could not read it.
    static let version = 1
    /// A part of a table ends after so many bytes.
    static let partBytes = 1 << 20
    /// The largest member: a message of the largest size that the settings allow, in hexadecimal digits, with its
    /// frame.
    static let maximumMemberBytes = 9 << 28
    /// The largest `about.json`, `manifest.json` or settings file.
    static let maximumDocumentBytes = 2 << 20
    static let maximumSettingsFiles = 16
    static let about = "about.json"
    static let manifest = "manifest.json"
    static let settingsFolder = "settings/"
    /// The table whose column `bytes` is kept in members of their own.
    static let attachmentTable = "blobs"
    static let attachmentColumn = "bytes"

    static func part(_ number: Int, of table: String) -> String {
        let digits = String(number)
        return "tables/\(table)/\(String(repeating: "0", count: max(0, 8 - digits.utf8.count)))\(digits).jsonl"
    }

    static func attachment(_ digits: String) -> String { "attachments/\(digits)" }

    /// Tables that are left out, and why.
    package static let leftOut: [String: String] = [
        "migrations": "The archive names its schema itself.",
        "sessions": "Users log in again: a session that ended after the backup must not come back.",
        "admin_tokens": "New ones are made: a token that was revoked after the backup must not come back.",
        "nodes": "They are the servers that were running.",
        "node_presence": "It says who was connected to the servers that were running.",
        Storage.searchTable: "The index is made anew from the messages.",
        "search_head": "The index is made anew from the messages.",
        "search_removals": "The index is made anew from the messages.",
    ]

    /// What of a table stands in its parts; `nil` for a table that is left out.
    static func kept(_ table: StoredTable) -> StoredTable? {
        if leftOut[table.name] != nil { return nil }
        return table.name == attachmentTable ? table.without(attachmentColumn) : table
    }
}

/// `about.json`: what the archive is, before anything of it is used.
package struct ArchiveAbout: Codable, Sendable, Equatable {
    /// A table, and what its lines hold.
    struct Table: Codable, Sendable, Equatable {
        var name: String
        var columns: [Column]
    }

    struct Column: Codable, Sendable, Equatable {
        var name: String
        /// `int`, `text` or `bytes`.
        var type: String
    }

    /// `ArchiveForm.version`.
    package var format: Int
    /// The version of the program that made it.
    package var program: String
    /// When it was begun, such as `2026-01-31T23:59:59.250Z`.
    package var created: String
    /// The engine that the data was in.
    package var engine: String
    /// The identifiers of the migrations that the database had, in their order.
    package var schema: [String]
    /// Why some tables are not here.
    var leftOut: [String: String]
    var tables: [Table]
}

/// `manifest.json`: what must have come before it.
package struct ArchiveManifest: Codable, Sendable, Equatable {
    /// What there is of a table.
    package struct Table: Codable, Sendable, Equatable {
        package var name: String
        package var rows: Int
        /// Of all lines, in hexadecimal digits.
        package var sha256: String
    }

    /// What there is of a document.
    package struct Document: Codable, Sendable, Equatable {
        package var name: String
        package var sha256: String
    }

    /// `about.json` and the settings files.
    package var documents: [Document]
    package var tables: [Table]
    package var attachments: Int
    package var attachmentBytes: Int
}

/// How far a backup or restore is.
package struct ArchiveProgress: Sendable {
    package var phase: String
    package var done: Int
    package var total: Int
}

/// A settings file in an archive.
package struct ArchivedFile: Sendable {
    /// Its name without a folder.
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

extension ArchiveForm {
    static func encoded(_ document: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(document)) + [UInt8(ascii: "\n")]
    }

    static func decoded<Document: Decodable>(
        _ type: Document.Type, _ bytes: [UInt8], name: String
    ) throws(ArchiveError) -> Document {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw .damaged("'\(name)' cannot be read")
        }
    }
}

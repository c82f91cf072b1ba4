// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import ExactText
import FoundationEssentials
import Operations
import ParleyServer
import Storage

/// The database of a MoreliaTalk server, as SQLObject makes it.
struct MoreliaSource: ImportSource {
    let database: ForeignDatabase

    private static let pageRows: Int64 = 200
    /// How much of messages with their files is read at once.
    private static let pageBytes: Int64 = 4 << 20
    /// A message that takes more cannot be handed to a server.
    private static let maximumBytes: Int64 = 10 << 20
    private static let deletedLogin = "User deleted"
    private static let deletedText = "Message deleted"

    func read(into run: inout ImportRun) async throws {
        try await readUsers(into: &run)
        for row in try await database.rows("SELECT username FROM admin ORDER BY username") {
            run.skip(
                "administrator \(row[0].string ?? "")",
                "The salt of its password was not kept there. Make it with 'manage superuser-create'.",
                in: "administrators")
        }
        try await readFlows(into: &run)
        try await readMessages(into: &run)
    }

    // MARK: Accounts

    private func readUsers(into run: inout ImportRun) async throws {
        var last: Int64 = 0
        while true {
            let rows = try await database.rows(
                """
                SELECT id, uuid, login, hash_password, username, is_bot, email, avatar, bio, salt, "key"
                FROM user_config WHERE id > $1 ORDER BY id LIMIT $2
                """, [.int(last), .int(Self.pageRows)])
            guard let end = rows.last?[0].number else { return }
            last = end
            try await run.take(rows.map(Self.user))
        }
    }

    private static func user(_ row: SQLRow) -> ImportedUser {
        let id = row[0].string ?? ""
        let login = row[2].string ?? ""
        var user = ImportedUser(
            uuid: ImportIdentity.uuid(row[1].string, of: "morelia user", id), login: login,
            username: row[4].string.flatMap { $0.isEmpty ? nil : $0 } ?? login)
        user.isDeleted = login == deletedLogin
        user.isBot = row[5].number == 1
        user.email = row[6].string ?? ""
        user.avatar = content(row[7]).map(wireText) ?? ""
        user.bio = row[8].string ?? ""
        // What the account was made with by the command line has a hash whose salt is gone.
        if let hash = row[3].string, let salt = content(row[9]), let key = content(row[10]), !salt.isEmpty, !key.isEmpty
        {
            user.hash = (try? LegacyHash(hexDigest: hash, salt: salt, key: key)).map { SecretText($0.stored) }
        }
        return user
    }

    /// What a BLOB column holds: SQLObject writes base64 to SQLite, and the bytes to PostgreSQL.
    private static func content(_ value: SQLValue) -> [UInt8]? {
        switch value {
        case .bytes(let bytes): bytes
        case .text(let text): Data(base64Encoded: text, options: .ignoreUnknownCharacters).map { Array($0) }
        case .null, .int: nil
        }
    }

    /// Bytes as MTP carries them: text as it is, anything else in base64.
    private static func wireText(_ bytes: [UInt8]) -> String {
        if bytes.allSatisfy({ 0x20..<0x7F ~= $0 }) { return String(decoding: bytes, as: UTF8.self) }
        return Data(bytes).base64EncodedString()
    }

    // MARK: Flows

    private func readFlows(into run: inout ImportRun) async throws {
        var last: Int64 = 0
        while true {
            let rows = try await database.rows(
                """
                SELECT id, uuid, flow_type, title, info, owner, time_created FROM flow
                WHERE id > $1 ORDER BY id LIMIT $2
                """, [.int(last), .int(Self.pageRows)])
            guard let first = rows.first?[0].number, let end = rows.last?[0].number else { return }
            last = end
            var members: [Int64: [String]] = [:]
            for row in try await database.rows(
                """
                SELECT j.flow_id, u.id, u.uuid FROM flow_user_config j JOIN user_config u ON u.id = j.user_config_id
                WHERE j.flow_id >= $1 AND j.flow_id <= $2 ORDER BY j.flow_id, u.id
                """, [.int(first), .int(end)])
            {
                let uuid = ImportIdentity.uuid(row[2].string, of: "morelia user", row[1].string ?? "")
                members[row[0].number ?? 0, default: []].append(uuid)
            }
            var flows: [ImportedFlow] = []
            for row in rows {
                let id = row[0].string ?? ""
                guard let type = row[2].string.flatMap({ CreateFlow.Kind(word: $0) }) else {
                    run.skip("flow \(id)", "Its type is none of chat, group and channel.", in: "flows")
                    continue
                }
                var flow = ImportedFlow(
                    uuid: Self.flowUUID(row[1], id), type: type, members: members[row[0].number ?? 0] ?? [])
                flow.title = row[3].string ?? ""
                flow.info = row[4].string ?? ""
                flow.owner = row[5].string
                flow.created = row[6].number.map { $0.multipliedReportingOverflow(by: 1000).partialValue }
                if flow.members.isEmpty, flow.owner.flatMap({ Identifier(decimal: $0) }) == nil {
                    flow.owner = try await firstAuthor(in: row[0])
                }
                flows.append(flow)
            }
            try await run.take(flows)
        }
    }

    /// Who wrote first in a flow that has neither owner nor members.
    private func firstAuthor(in flow: SQLValue) async throws -> String? {
        let rows = try await database.rows(
            """
            SELECT u.id, u.uuid FROM message m JOIN user_config u ON u.id = m.user_id
            WHERE m.flow_id = $1 AND u.login <> $2 ORDER BY m.id LIMIT 1
            """, [flow, .text(Self.deletedLogin)])
        return rows.first.map { ImportIdentity.uuid($0[1].string, of: "morelia user", $0[0].string ?? "") }
    }

    private static func flowUUID(_ uuid: SQLValue, _ id: String) -> String {
        ImportIdentity.uuid(uuid.string, of: "morelia flow", id)
    }

    // MARK: Messages

    private func readMessages(into run: inout ImportRun) async throws {
        var last: Int64 = 0
        var edited = 0
        var deleted = 0
        while true {
            let sizes = try await database.rows(
                """
                SELECT id, coalesce(length(text), 0) + coalesce(length(file_picture), 0)
                    + coalesce(length(file_video), 0)
                    + coalesce(length(file_audio), 0) + coalesce(length(file_document), 0) + coalesce(length(emoji), 0)
                FROM message WHERE id > $1 ORDER BY id LIMIT $2
                """, [.int(last), .int(Self.pageRows)])
            guard let first = sizes.first?[0].number else { break }
            // As many as fit, one at least.
            var total: Int64 = 0
            let page = sizes.prefix { row in
                let isFirst = total == 0
                total += 1 + (row[1].number ?? 0)
                return isFirst || total <= Self.pageBytes
            }
            last = page.last?[0].number ?? first
            if page.count == 1, total > Self.maximumBytes {
                run.skip("message \(first)", "It is larger than \(Self.maximumBytes >> 20) MiB.", in: "messages")
                continue
            }
            var messages: [MessageToImport] = []
            for row in try await rows(from: first, to: last) {
                if row[2].string == Self.deletedText {
                    deleted += 1
                    continue
                }
                if row[9].number == 1 { edited += 1 }
                if let message = Self.message(row) {
                    messages.append(message)
                } else {
                    run.skip("message \(row[0].string ?? "")", "It has no author or no flow.", in: "messages")
                }
            }
            try await run.take(messages)
        }
        if deleted > 0 { run.note("Deleted messages, which say nothing any more, were left out: \(deleted).") }
        if edited > 0 {
            run.note("Edited messages have their last text; that they were edited is not kept: \(edited).")
        }
    }

    private func rows(from first: Int64, to last: Int64) async throws -> [SQLRow] {
        try await database.rows(
            """
            SELECT m.id, m.uuid, m.text, m.time, m.file_picture, m.file_video, m.file_audio, m.file_document, m.emoji,
                m.edited_status, u.id, u.uuid, f.id, f.uuid
            FROM message m LEFT JOIN user_config u ON u.id = m.user_id LEFT JOIN flow f ON f.id = m.flow_id
            WHERE m.id >= $1 AND m.id <= $2 ORDER BY m.id
            """, [.int(first), .int(last)])
    }

    private static func message(_ row: SQLRow) -> MessageToImport? {
        guard let user = row[10].string, let flow = row[12].string else { return nil }
        var message = MessageToImport(
            uuid: ImportIdentity.uuid(row[1].string, of: "morelia message", row[0].string ?? ""),
            flow: flowUUID(row[13], flow), author: ImportIdentity.uuid(row[11].string, of: "morelia user", user),
            time: (row[3].number ?? 0).multipliedReportingOverflow(by: 1000).partialValue, text: row[2].string ?? "")
        for (index, name) in ["file_picture", "file_video", "file_audio", "file_document"].enumerated() {
            if let bytes = content(row[4 + index]), !bytes.isEmpty { message.files[name] = wireText(bytes) }
        }
        if let bytes = content(row[8]), !bytes.isEmpty {
            message.emoji = String(validating: bytes, as: UTF8.self) ?? wireText(bytes)
        }
        return message
    }
}

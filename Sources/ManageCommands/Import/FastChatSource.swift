// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import FastChat
import FoundationEssentials
import Operations
import ParleyServer
import Storage

/// The PostgreSQL database of FastChat servers: accounts with keys, groups, and messages that wait for their
/// recipients.
struct FastChatSource: ImportSource {
    let database: ForeignDatabase

    private static let pageRows: Int64 = 500

    func read(into run: inout ImportRun) async throws {
        try await readUsers(into: &run)
        try await readGroups(into: &run)
        try await readMessages(into: &run)
        try await readGroupMessages(into: &run)
    }

    private static func user(_ number: SQLValue) -> String {
        ImportIdentity.uuid(of: "fastchat user", number.string ?? "")
    }

    private static func group(_ number: SQLValue) -> String {
        ImportIdentity.uuid(of: "fastchat group", number.string ?? "")
    }

    private func readUsers(into run: inout ImportRun) async throws {
        var last = Int64.min
        while true {
            let rows = try await database.rows(
                "SELECT user_id, password, public_key FROM users WHERE user_id > $1 ORDER BY user_id LIMIT $2",
                [.int(last), .int(Self.pageRows)])
            guard let end = rows.last?[0].number else { return }
            last = end
            var users: [ImportedUser] = []
            for row in rows {
                let number = row[0].string ?? ""
                guard (0..<1_000_000_000).contains(row[0].number ?? -1) else {
                    run.skip("user \(number)", "Its number is not one that an account can have here.", in: "accounts")
                    continue
                }
                var user = ImportedUser(uuid: Self.user(row[0]), login: number, username: number)
                if let password = row[1].string, !password.isEmpty { user.password = SecretText(password) }
                user.publicKey = row[2].string.flatMap { FastChatImport.isKey($0) ? $0 : nil }
                users.append(user)
            }
            try await run.take(users)
        }
    }

    private func readGroups(into run: inout ImportRun) async throws {
        var last = Int64.min
        while true {
            let rows = try await database.rows(
                """
                SELECT group_id, array_to_string(participants, ','), admin_id FROM "groups"
                WHERE group_id > $1 ORDER BY group_id LIMIT $2
                """, [.int(last), .int(Self.pageRows)])
            guard let end = rows.last?[0].number else { return }
            last = end
            try await run.take(
                rows.map { row in
                    let numbers = Set((row[1].string ?? "").split(separator: ",").map(String.init))
                    let people = numbers.union([row[2].string ?? ""]).sorted()
                    var flow = ImportedFlow(
                        uuid: Self.group(row[0]), type: .group, members: people.map { Self.user(.text($0)) })
                    flow.title = "Group \(row[0].string ?? "")"
                    flow.owner = Self.user(row[2])
                    flow.row = row[0].number
                    return flow
                })
        }
    }

    private func readMessages(into run: inout ImportRun) async throws {
        var last: SQLRow = [.text(""), .int(.min), .int(.min), .text("")]
        while true {
            let rows = try await database.rows(
                """
                SELECT time, sender_id, receiver_id, message FROM messages
                WHERE (time, sender_id, receiver_id, message) > ($1, $2, $3, $4)
                ORDER BY time, sender_id, receiver_id, message LIMIT $5
                """, last + [.int(Self.pageRows)])
            guard let end = rows.last else { return }
            last = end
            var chats: [String: ImportedFlow] = [:]
            var messages: [MessageToImport] = []
            for row in rows {
                let people = [row[1], row[2]].map(Self.user)
                let pair = [row[1].string ?? "", row[2].string ?? ""].sorted()
                let chat = ImportIdentity.uuid(of: "fastchat chat", pair[0], pair[1])
                chats[chat] = ImportedFlow(uuid: chat, type: .chat, members: people)
                var message = MessageToImport(
                    uuid: ImportIdentity.uuid(
                        of: "fastchat message", pair[0], pair[1], row[0].string ?? "", row[3].string ?? ""),
                    flow: chat, author: people[0], time: FastChatImport.milliseconds(row[0].string ?? ""), text: "")
                guard let sealed = FastChatImport.sealed(row[3].string ?? "", sender: row[1].number ?? 0, group: nil)
                else {
                    run.skip("message of \(row[1].string ?? "")", "It is no message of the protocol.", in: "messages")
                    continue
                }
                message.add(sealed, for: people[1])
                messages.append(message)
            }
            try await run.take(chats.values.sorted { $0.uuid < $1.uuid })
            try await run.take(messages)
        }
    }

    /// One row for each recipient: those of one message become one.
    private func readGroupMessages(into run: inout ImportRun) async throws {
        var last: SQLRow = [.text(""), .int(.min), .int(.min), .int(.min)]
        var open: (key: String, message: MessageToImport)?
        while true {
            let rows = try await database.rows(
                """
                SELECT time, sender_id, group_id, receiver_id, message FROM groupmessages
                WHERE (time, sender_id, group_id, receiver_id) > ($1, $2, $3, $4)
                ORDER BY time, sender_id, group_id, receiver_id LIMIT $5
                """, last + [.int(Self.pageRows)])
            guard let end = rows.last else { break }
            last = Array(end.prefix(4))
            var messages: [MessageToImport] = []
            for row in rows {
                let key = row.prefix(3).map { $0.string ?? "" }.joined(separator: "\u{0}")
                guard
                    let sealed = FastChatImport.sealed(
                        row[4].string ?? "", sender: row[1].number ?? 0, group: row[2].number)
                else {
                    run.skip("message of \(row[1].string ?? "")", "It is no message of the protocol.", in: "messages")
                    continue
                }
                if open?.key != key {
                    if let message = open?.message { messages.append(message) }
                    open = (
                        key,
                        MessageToImport(
                            uuid: ImportIdentity.uuid(of: "fastchat group message", key), flow: Self.group(row[2]),
                            author: Self.user(row[1]), time: FastChatImport.milliseconds(row[0].string ?? ""), text: "")
                    )
                }
                open?.message.add(sealed, for: Self.user(row[3]))
            }
            try await run.take(messages)
        }
        if let message = open?.message { try await run.take([message]) }
    }
}

extension MessageToImport {
    /// Puts one recipient's copy into the message.
    fileprivate mutating func add(_ sealed: FastChatImport.Sealed, for recipient: String) {
        text = sealed.content.text
        encryption = sealed.content.encryption
        envelope = sealed.content.envelope
        bodies.append(Body(recipient: recipient, body: Data(sealed.body), key: Data(sealed.key)))
    }
}

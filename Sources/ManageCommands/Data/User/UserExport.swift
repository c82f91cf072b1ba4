// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Chat
import FoundationEssentials
import JSON
import Operations
import Storage

/// Everything that a person may have of what the server keeps: a tar.gz of JSON and files.
///
///     profile.json                       the account, its sessions and contacts
///     flows/ROW/flow.json                a conversation that the account reads or was a member of
///     flows/ROW/messages-00001.json      its messages in order, in parts
///     flows/ROW/files/NUMBER-NAME        the files of a message, as a client sent them
struct UserExport {
    /// A conversation.
    private struct Flow: Encodable {
        var row: Int64
        var uuid: String
        var type: String
        var title: String
        var info: String
        var created: String
        var isOwner: Bool
        /// Whether the account has left it: then it ends there.
        var hasLeft: Bool
    }

    /// A message as the account sees it.
    private struct ExportedMessage: Encodable {
        var number: Int64
        var uuid: String
        var author: String
        var time: String
        var edited: String?
        var isDeleted: Bool
        var text: String
        var emoji: String?
        var files: [String]
        /// What was encrypted for this account, as bytes in base64.
        var encryptedBody: Data?
        var encryptedKey: Data?
    }

    /// What was written.
    struct Counts: Encodable, Sendable {
        var flows = 0
        var messages = 0
        var files = 0
    }

    private static let flowPage = 200
    private static let messagePage: Int64 = 500

    private let chat: Chat
    private let storage: Storage
    private let tar: TarWriter
    private var counts = Counts()

    init(from chat: Chat, to descriptor: Int32) throws {
        self.chat = chat
        storage = chat.storage
        tar = try TarWriter(descriptor: descriptor, time: storage.currentTime())
    }

    /// Writes all of it.
    ///
    /// `progress` is called with how many conversations were looked at.
    mutating func write(
        _ profile: ExportUser.Report, progress: (_ flows: Int) -> Void
    ) async throws -> (counts: Counts, bytes: Int) {
        try json("profile.json", profile)
        guard let user = try await storage.user(UserID(profile.user.row)) else {
            throw OperationError(.notFound, "The account '\(profile.user.login)' was deleted meanwhile.")
        }
        var last = FlowID(0)
        var seen = 0
        while true {
            let page = try await storage.flows(after: last, limit: Self.flowPage)
            guard let end = page.last else { break }
            last = end.id
            for flow in page {
                try Task.checkCancellation()
                do {
                    let readable = try await chat.readableFlow(flow.uuid, forCopyOf: user)
                    try await write(flow, until: readable.end, for: user)
                } catch ChatError.noSuchFlow {
                    // None of the account's business, or deleted since.
                }
            }
            seen += page.count
            progress(seen)
        }
        try tar.finish()
        return (counts, tar.written)
    }

    private mutating func write(_ flow: FlowRecord, until end: Position?, for user: UserRecord) async throws {
        let folder = "flows/\(flow.id.rawValue)"
        try json(
            "\(folder)/flow.json",
            Flow(
                row: flow.id.rawValue, uuid: flow.uuid.description, type: flow.kind.rawValue, title: flow.title,
                info: flow.info, created: flow.created.text, isOwner: flow.owner == user.id, hasLeft: end != nil))
        counts.flows += 1
        let total = try await storage.messageCount(of: flow.id, before: end) ?? 0
        var next: Int64 = 0
        var part = 0
        while next < total {
            try Task.checkCancellation()
            let numbers = next..<min(next + Self.messagePage, total)
            let page = try await storage.messages(in: flow.id, numbers: numbers, reader: user.id, asOf: end)
            next = page.isCut ? page.messages.last.map { $0.number + 1 } ?? numbers.upperBound : numbers.upperBound
            guard !page.messages.isEmpty else { continue }
            part += 1
            let digits = String(part)
            try await write(
                page.messages, in: folder,
                as: "\(folder)/messages-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).json")
        }
    }

    /// Writes a part of a conversation, and then its files.
    private mutating func write(_ records: [MessageRecord], in folder: String, as name: String) async throws {
        let people = try await storage.users(uuids: Array(Set(records.map(\.senderUUID))))
        let logins = Dictionary(people.map { ($0.id, $0.login) }, uniquingKeysWith: { first, _ in first })
        let messages = records.map { ($0, Message($0)) }
        func path(_ file: MessageContent.File, of message: Message) -> String {
            "\(folder)/files/\(message.number)-\(file.rawValue)"
        }
        try json(
            name,
            messages.map { record, message in
                var isDeleted = false
                if case .deleted = record.change { isDeleted = true }
                return ExportedMessage(
                    number: message.number, uuid: message.uuid.description,
                    author: logins[record.sender] ?? UserRecord.deletedName, time: message.time.text,
                    edited: message.edited?.text, isDeleted: isDeleted, text: message.content.text,
                    emoji: message.content.emoji,
                    files: message.content.files.keys.map { path($0, of: message) }.sorted(),
                    encryptedBody: record.body.map { Data($0.body) }, encryptedKey: record.body.map { Data($0.key) })
            })
        counts.messages += messages.count
        for (_, message) in messages {
            for (file, content) in message.content.files.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                try tar.file(path(file, of: message), content.withUTF8 { Array($0) })
                counts.files += 1
            }
        }
    }

    private func json(_ name: String, _ value: some Encodable) throws {
        try tar.file(name, value.indentedJSON())
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// A message as administrators see it, edits and deletion applied.
package struct MessageReport: Codable, Sendable, Equatable {
    /// Names the message on the wire.
    package var uuid: String
    /// The uuid of its flow.
    package var flow: String
    /// Which message of its flow it is, from 0.
    package var number: Int64
    /// The author's login.
    package var author: String
    /// When it was sent, as RFC 3339 writes it.
    package var time: String
    /// When it was last edited, or deleted.
    package var edited: String?
    /// Whether it was deleted.
    package var isDeleted: Bool
    /// What it says; of an encrypted message what others see.
    package var text: String
    /// The names of its files, such as `file_picture`.
    package var files: [String]

    private enum CodingKeys: String, CodingKey {
        case uuid, flow, number, author, time, edited
        case isDeleted = "is_deleted"
        case text, files
    }

    init(_ record: MessageRecord, author: String) {
        let message = Message(record)
        uuid = message.uuid.description
        flow = message.flow.description
        number = message.number
        self.author = author
        time = message.time.text
        edited = message.edited?.text
        isDeleted = if case .deleted = record.change { true } else { false }
        text = message.content.text
        files = message.content.files.keys.map(\.rawValue).sorted()
    }

    /// Writes every key, also of what is `nil`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(uuid, forKey: .uuid)
        try container.encode(flow, forKey: .flow)
        try container.encode(number, forKey: .number)
        try container.encode(author, forKey: .author)
        try container.encode(time, forKey: .time)
        try container.encode(edited, forKey: .edited)
        try container.encode(isDeleted, forKey: .isDeleted)
        try container.encode(text, forKey: .text)
        try container.encode(files, forKey: .files)
    }
}

extension OperationContext {
    /// Messages with their authors' logins, which are read at once.
    func reports(of messages: [MessageRecord]) async throws(OperationError) -> [MessageReport] {
        let uuids = Array(Set(messages.map(\.senderUUID)))
        let authors = try await reading { () async throws(StorageError) in try await chat.storage.users(uuids: uuids) }
        let logins = Dictionary(authors.map { ($0.id, $0.login) }, uniquingKeysWith: { first, _ in first })
        return messages.map { MessageReport($0, author: logins[$0.sender] ?? UserRecord.deletedName) }
    }

    /// The message of a uuid.
    ///
    /// - Throws: `.invalid` for what is no uuid, `.notFound` that names it.
    func message(uuid: String) async throws(OperationError) -> MessageRecord {
        guard let identifier = Identifier(decimal: uuid) else {
            throw OperationError(
                .invalid, "'\(uuid)' is no uuid of a message: it has digits only.", nextStep: Self.findMessages)
        }
        let found = try await reading { () async throws(StorageError) in
            try await chat.storage.message(uuid: identifier)
        }
        guard let found else {
            throw OperationError(.notFound, "No message with uuid \(uuid).", nextStep: Self.findMessages)
        }
        return found
    }

    private static let findMessages = "Find messages with 'manage message search WORD'."
}

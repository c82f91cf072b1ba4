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
    /// The row number of its flow.
    package var flowRow: Int64
    /// Which message of its flow it is, from 0.
    package var number: Int64
    /// The author's login.
    package var author: String
    /// When it was sent, as RFC 3339 writes it.
    package var time: String
    /// When it was last edited, or deleted.
    @Nullable package var edited: String?
    /// Whether it was deleted.
    package var isDeleted: Bool
    /// What it says; of an encrypted message what others see.
    package var text: String
    /// The names of its files, such as `file_picture`.
    package var files: [String]

    init(_ record: MessageRecord, author: String) {
        let message = Message(record)
        uuid = message.uuid.description
        flow = message.flow.description
        flowRow = record.flow.rawValue
        number = message.number
        self.author = author
        time = message.time.text
        edited = message.edited?.text
        isDeleted = if case .deleted = record.change { true } else { false }
        text = message.content.text
        files = message.content.files.keys.map(\.rawValue).sorted()
    }
}

extension OperationContext {
    /// Messages with their authors' logins, which are read at once.
    func reports(of messages: [MessageRecord]) async throws(OperationError) -> [MessageReport] {
        let uuids = Array(Set(messages.map(\.senderUUID)))
        let authors = try await reading { try await $0.users(uuids: uuids) }
        let logins = Dictionary(authors.map { ($0.id, $0.login) }, uniquingKeysWith: { first, _ in first })
        return messages.map { MessageReport($0, author: logins[$0.sender] ?? UserRecord.deletedName) }
    }

    /// The message of a uuid, or of a flow as operators name it, a colon and the message's number.
    ///
    /// - Throws: `.invalid` for what is neither, `.notFound` that names it.
    func message(uuid: String) async throws(OperationError) -> MessageRecord {
        if let colon = uuid.utf8.lastIndex(of: UInt8(ascii: ":")) {
            return try await message(uuid[uuid.utf8.index(after: colon)...], in: flow(uuid: String(uuid[..<colon])))
        }
        guard let identifier = Identifier(decimal: uuid) else {
            throw OperationError(
                .invalid, "'\(uuid)' does not name a message: give its uuid, digits only, or FLOW:NUMBER.",
                nextStep: Self.findMessages)
        }
        let found = try await reading { try await $0.message(uuid: identifier) }
        guard let found else {
            throw OperationError(.notFound, "No message with uuid \(uuid).", nextStep: Self.findMessages)
        }
        return found
    }

    private func message(_ number: Substring, in flow: FlowRecord) async throws(OperationError) -> MessageRecord {
        let nextStep = "List messages with 'manage message list \(flow.id.rawValue)'."
        guard let index = Int64(number), index >= 0 else {
            throw OperationError(.invalid, "'\(number)' is not the number of a message.", nextStep: nextStep)
        }
        guard index < flow.messageCount,
            let found = try await reading({ try await $0.messages(in: flow.id, numbers: index..<index + 1) })
                .messages.first
        else {
            throw OperationError(.notFound, "The flow has no message \(index).", nextStep: nextStep)
        }
        return found
    }

    private static let findMessages = "Find messages with 'manage message search WORD'."
}

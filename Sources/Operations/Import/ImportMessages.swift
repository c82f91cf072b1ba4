// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
package import FoundationEssentials
import JSON
import Storage

/// A message that another server has kept, as a parameter.
package struct MessageToImport: Codable, Sendable {
    /// What was encrypted for one recipient; bytes in base64.
    package struct Body: Codable, Sendable {
        package var recipient: String
        package var body: Data
        package var key: Data

        package init(recipient: String, body: Data, key: Data) {
            self.recipient = recipient
            self.body = body
            self.key = key
        }
    }

    /// In decimal; the same message has the same one at every import.
    package var uuid: String
    /// The flow's uuid.
    package var flow: String
    /// The author's uuid.
    package var author: String
    /// When it was written there, in milliseconds since 1970.
    package var time: Int64
    package var text: String
    package var emoji: String?
    /// Files as MTP carries them, by the name of their member.
    package var files: [String: String] = [:]
    /// What `MessageContent.encryption` and `envelope` say.
    package var encryption: String?
    package var envelope: [String: String] = [:]
    package var bodies: [Body] = []

    package init(uuid: String, flow: String, author: String, time: Int64, text: String) {
        self.uuid = uuid
        self.flow = flow
        self.author = author
        self.time = time
        self.text = text
    }
}

/// `import.messages`: takes over messages of another server with their times; those that were taken before are left
/// out.
package struct ImportMessages: AdminOperation {
    package static let name = "import.messages"
    package static let summary = "Take over messages of another server with their times."
    package static let access = OperationActor.Scope.write
    /// The most messages of one request.
    package static let maximumCount = 1000

    /// The messages, the oldest first.
    package var messages: [MessageToImport]
    /// Whether nothing is written.
    package var isDryRun: Bool

    package init(_ messages: [MessageToImport], isDryRun: Bool) {
        self.messages = messages
        self.isDryRun = isDryRun
    }

    package var onlyLooks: Bool { isDryRun }

    package func run(on context: OperationContext) async throws(OperationError) -> ImportOutcome {
        guard messages.count <= Self.maximumCount else {
            throw OperationError(.invalid, "At most \(Self.maximumCount) messages are taken at once.")
        }
        var outcome = ImportOutcome()
        var known = try await knownEvents(on: context)
        var places = Places()
        var new: [ImportedMessage] = []
        for message in messages {
            try context.checkCancellation()
            try await outcome.take("message \(message.uuid)") { outcome async throws(OperationError) in
                let uuid = try context.identifier(message.uuid)
                guard known.insert(uuid).inserted else {
                    outcome.existing += 1
                    return
                }
                if let ready = try await prepared(message, uuid, &places, on: context) { new.append(ready) }
                outcome.taken += 1
            }
        }
        if !new.isEmpty {
            let ready = new
            _ = try await context.recording { note throws(OperationError) in
                try await context.asking { try await $0.importMessages(ready, audit: note) }
            }
        }
        return outcome
    }

    /// The accounts and flows that were looked up already.
    private struct Places {
        var users: [String: UserID] = [:]
        var flows: [String: FlowID] = [:]
    }

    private func knownEvents(on context: OperationContext) async throws(OperationError) -> Set<Identifier> {
        let uuids = messages.compactMap { Identifier(decimal: $0.uuid) }
        return try await context.reading { try await $0.knownEvents(uuids) }
    }

    /// - Returns: `nil` in a dry run, which has no accounts and flows to look up.
    private func prepared(
        _ message: MessageToImport, _ uuid: Identifier, _ places: inout Places, on context: OperationContext
    ) async throws(OperationError) -> ImportedMessage? {
        var content = MessageContent(text: message.text, emoji: message.emoji)
        for (name, file) in message.files {
            guard let kind = MessageContent.File.allCases.first(where: { $0.rawValue == name }) else { continue }
            content.files[kind] = JSONText(file)
        }
        content.encryption = message.encryption
        content.envelope = message.envelope
        if isDryRun {
            _ = try await context.asking { chat in try chat.checkImportable(content) }
            return nil
        }
        let author = try await user(message.author, &places, on: context)
        let flow = try await flow(message.flow, &places, on: context)
        var bodies: [NewBody] = []
        for body in message.bodies {
            bodies.append(
                NewBody(
                    recipient: try await user(body.recipient, &places, on: context), body: Array(body.body),
                    key: Array(body.key)))
        }
        let ready = content
        let (bytes, blobs) = try await context.asking { try await $0.importable(ready) }
        let now = context.chat.currentTime
        return ImportedMessage(
            uuid: uuid, flow: flow, author: author, time: min(Timestamp(milliseconds: message.time), now),
            content: bytes, blobs: blobs, bodies: bodies)
    }

    private func user(
        _ uuid: String, _ places: inout Places, on context: OperationContext
    ) async throws(OperationError) -> UserID {
        if let known = places.users[uuid] { return known }
        let identifier = try context.identifier(uuid)
        guard let user = try await context.reading({ try await $0.user(uuid: identifier) }) else {
            throw OperationError(.notFound, "Its author or recipient was not taken.")
        }
        places.users[uuid] = user.id
        return user.id
    }

    private func flow(
        _ uuid: String, _ places: inout Places, on context: OperationContext
    ) async throws(OperationError) -> FlowID {
        if let known = places.flows[uuid] { return known }
        let identifier = try context.identifier(uuid)
        guard let flow = try await context.reading({ try await $0.flow(uuid: identifier) }) else {
            throw OperationError(.notFound, "Its flow was not taken.")
        }
        places.flows[uuid] = flow.id
        return flow.id
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ExactText
import Storage

/// `flow.create`: a new flow.
///
/// Without members a group or channel is public; a chat has the owner and one other.
package struct CreateFlow: AdminOperation {
    /// The kinds of flow.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// Two people.
        case chat
        /// Everybody writes.
        case group
        /// Only the owner writes.
        case channel

        /// Reads the word.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let kind = Self(word: try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no kind of flow")
            }
            self = kind
        }

        var recordKind: FlowRecord.Kind {
            switch self {
            case .chat: .chat
            case .group: .group
            case .channel: .channel
            }
        }
    }

    package static let name = "flow.create"
    package static let summary = "Make a chat, a group or a channel."
    package static let access = OperationActor.Scope.write

    /// The owner's login.
    package var owner: String
    package var type: Kind
    package var title: String
    /// What the flow is about.
    package var info: String
    /// The logins of the members beside the owner.
    package var members: [String]

    package init(owner: String, type: Kind, title: String, info: String = "", members: [String] = []) {
        self.owner = owner
        self.type = type
        self.title = title
        self.info = info
        self.members = members
    }

    package var target: String? { title }

    package func run(on context: OperationContext) async throws(OperationError) -> FlowReport {
        try context.check(title, "title", limit: ChatLimits.titleBytes)
        try context.check(info, "info", limit: ChatLimits.infoBytes)
        guard members.count <= ChatLimits.newMembers else {
            throw OperationError(
                .invalid, "A new flow names at most \(ChatLimits.newMembers) people; add more afterwards.")
        }
        let ownerRecord = try await context.user(login: owner)
        var people: Set<UserID> = [ownerRecord.id]
        for login in members { people.insert(try await context.user(login: login).id) }
        if type == .chat, people.count != 2 {
            throw OperationError(
                .invalid, "A chat has its owner and exactly one other.", nextStep: "Name one other with --member.")
        }
        let flow = NewFlow(
            uuid: context.chat.newIdentifier(), kind: type.recordKind, title: title, info: info, owner: ownerRecord.id,
            isPublic: members.isEmpty, members: members.isEmpty ? [] : people.sorted())
        let receipt = try await context.write(Write.CreateFlow(flow), on: flow.uuid.description)
        let record = try await context.reading { try await $0.flow(receipt.result) }
        guard let record else { throw OperationError(ChatError.noSuchFlow) }
        if receipt.existed {
            throw OperationError(.exists, "The two have a chat already: \(record.uuid).")
        }
        return try await context.report(of: record)
    }
}

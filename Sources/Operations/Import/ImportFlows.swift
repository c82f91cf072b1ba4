// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// A flow that another server has kept.
package struct ImportedFlow: Codable, Sendable {
    /// In decimal; the same flow has the same one at every import.
    package var uuid: String
    /// `chat`, `group` or `channel`.
    package var type: CreateFlow.Kind
    package var title = ""
    package var info = ""
    /// The owner's uuid in decimal, if there is one.
    package var owner: String?
    /// The members' uuids; none for a flow that everybody sees.
    package var members: [String]
    /// The number by which clients know it, if they do.
    package var row: Int64?
    /// When it was made there, in milliseconds since 1970.
    package var created: Int64?

    package init(uuid: String, type: CreateFlow.Kind, members: [String]) {
        self.uuid = uuid
        self.type = type
        self.members = members
    }
}

/// `import.flows`: takes over flows of another server with their members; those that were taken before stay as they
/// are.
package struct ImportFlows: AdminOperation {
    package static let name = "import.flows"
    package static let summary = "Take over flows of another server with their members."
    package static let access = OperationActor.Scope.write

    /// What `import.flows` tells.
    package struct Report: Codable, Sendable {
        /// What became of them.
        package var outcome = ImportOutcome()
        /// The uuids of chats of two people who have one here already, by the uuid that they had there.
        package var merged: [String: String] = [:]
    }

    package var flows: [ImportedFlow]
    /// Whether nothing is written.
    package var isDryRun: Bool

    package init(_ flows: [ImportedFlow], isDryRun: Bool) {
        self.flows = flows
        self.isDryRun = isDryRun
    }

    package var onlyLooks: Bool { isDryRun }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        var outcome = ImportOutcome()
        var merged: [String: String] = [:]
        if !isDryRun { try await context.recordNow() }
        for flow in flows {
            try context.checkCancellation()
            try await outcome.take(Self.item(flow)) { outcome async throws(OperationError) in
                if let uuid = try await take(flow, &outcome, on: context) { merged[flow.uuid] = uuid }
            }
        }
        return Report(outcome: outcome, merged: merged)
    }

    private static func item(_ flow: ImportedFlow) -> String {
        "\(flow.type.rawValue) \(flow.title.isEmpty ? flow.row.map { String($0) } ?? flow.uuid : flow.title)"
    }

    /// - Returns: The uuid of the chat that its two people have already, if it has another one.
    private func take(
        _ flow: ImportedFlow, _ outcome: inout ImportOutcome, on context: OperationContext
    ) async throws(OperationError) -> String? {
        let item = Self.item(flow)
        let uuid = try context.identifier(flow.uuid)
        if try await context.reading({ try await $0.flow(uuid: uuid) }) != nil {
            outcome.existing += 1
            return nil
        }
        try context.check(flow.title, "title", limit: ChatLimits.titleBytes)
        try context.check(flow.info, "info", limit: ChatLimits.infoBytes)
        guard !isDryRun else {
            outcome.taken += 1
            return nil
        }
        let people = try await accounts(flow.members, on: context)
        let named = try await accounts(flow.owner.map { [$0] } ?? [], on: context).first
        guard let owner = named ?? people.first else {
            throw OperationError(.refused, "None of its people was taken, so that it would have no owner.")
        }
        var kind = flow.type.recordKind
        if kind == .chat, people.count != 2 {
            kind = .group
            outcome.changed.append(.init(item, "It has \(people.count) members and became a group."))
        }
        let isPublic = flow.members.isEmpty && flow.type != .chat
        var new = NewFlow(
            uuid: uuid, kind: kind, title: flow.title, info: flow.info, owner: owner, isPublic: isPublic,
            members: isPublic ? [] : kind == .chat ? people : Set(people + [owner]).sorted())
        if kind == .chat, !people.contains(owner) { new.owner = people[0] }
        new.row = flow.row
        let now = context.chat.currentTime
        new.created = flow.created.map { min(Timestamp(milliseconds: $0), now) }
        let receipt = try await context.write(Write.CreateFlow(new))
        if receipt.existed {
            outcome.existing += 1
            return try await context.reading { try await $0.flow(receipt.result) }?.uuid.description
        }
        outcome.taken += 1
        let id = receipt.result.rawValue
        if let row = flow.row, id != row {
            outcome.changed.append(.init(item, "Its number \(row) is in use here; it is \(id) now."))
        }
        return nil
    }

    /// The accounts that are here and not deleted, each once.
    private func accounts(_ uuids: [String], on context: OperationContext) async throws(OperationError) -> [UserID] {
        var identifiers: [Identifier] = []
        for uuid in uuids { if let identifier = Identifier(decimal: uuid) { identifiers.append(identifier) } }
        let asked = identifiers
        let found = try await context.reading { try await $0.users(uuids: asked) }
        return Set(found.filter { $0.deleted == nil }.map(\.id)).sorted()
    }
}

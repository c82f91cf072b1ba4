// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.update`: changes what is given of a flow.
package struct UpdateFlow: AdminOperation {
    package static let name = "flow.update"
    package static let summary = "Change what is given of a flow."
    package static let access = OperationActor.Scope.write

    package var uuid: String
    /// Another title.
    package var title: String?
    /// What the flow is about; empty for nothing.
    package var info: String?
    /// A group may become a channel, and the reverse.
    package var type: CreateFlow.Kind?
    /// The login of another owner, who becomes a member of a private flow.
    package var owner: String?

    /// What is `nil` stays as it is.
    package init(
        uuid: String, title: String? = nil, info: String? = nil, type: CreateFlow.Kind? = nil, owner: String? = nil
    ) {
        self.uuid = uuid
        self.title = title
        self.info = info
        self.type = type
        self.owner = owner
    }

    package var target: String? { uuid }

    package func run(on context: OperationContext) async throws(OperationError) -> FlowReport {
        guard title != nil || info != nil || type != nil || owner != nil else {
            throw OperationError(.invalid, "Nothing to change was given.")
        }
        try context.check(title, "title", limit: ChatLimits.titleBytes)
        try context.check(info, "info", limit: ChatLimits.infoBytes)
        let flow = try await context.flow(uuid: uuid)
        let kind = type?.recordKind
        if let kind, kind != flow.kind, kind == .chat || flow.kind == .chat {
            throw OperationError(.refused, "A \(flow.kind.rawValue) cannot become a \(kind.rawValue).")
        }
        let newOwner = try await newOwner(of: flow, in: context)
        _ = try await context.write(
            Write.UpdateFlow(flow.id, title: title, info: info, kind: kind, owner: newOwner), on: flow.uuid.description)
        return try await context.report(of: try await context.flow(uuid: flow.uuid.description))
    }

    /// The account that is to own the flow, made a member of it first; `nil` if nothing changes.
    private func newOwner(of flow: FlowRecord, in context: OperationContext) async throws(OperationError) -> UserID? {
        guard let owner else { return nil }
        let user = try await context.user(login: owner)
        guard user.id != flow.owner else { return nil }
        guard flow.kind != .chat else {
            throw OperationError(.refused, "A chat belongs to its two members; its owner cannot be changed.")
        }
        if !flow.isPublic { _ = try await context.write(Write.AddMember(flow.id, user.id), on: flow.uuid.description) }
        return user.id
    }
}

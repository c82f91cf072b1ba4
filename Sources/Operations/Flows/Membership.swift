// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// What changing a flow's members tells.
package struct MembershipReport: Codable, Sendable, Equatable {
    /// The flow's uuid.
    package var flow: String
    /// Who was added or removed.
    package var login: String
    /// Whether they are a member now.
    package var isMember: Bool
}

/// `flow.add_member`: adds an account to a private group or channel.
package struct AddMember: AdminOperation {
    package static let name = "flow.add_member"
    package static let summary = "Add an account to a private group or channel."
    package static let access = OperationActor.Scope.write

    /// The flow, as operators name it.
    package var uuid: String
    /// Whom to add.
    package var login: String

    package init(uuid: String, login: String) {
        self.uuid = uuid
        self.login = login
    }

    package var target: String? { uuid }

    package func run(on context: OperationContext) async throws(OperationError) -> MembershipReport {
        let flow = try await context.flow(uuid: uuid)
        let user = try await context.user(login: login)
        try flow.checkHasMemberList()
        let receipt = try await context.write(Write.AddMember(flow.id, user.id), on: flow.uuid.description)
        if receipt.existed {
            throw OperationError(.exists, "'\(user.login)' is a member of flow \(flow.uuid) already.")
        }
        return MembershipReport(flow: flow.uuid.description, login: user.login, isMember: true)
    }
}

/// `flow.remove_member`: takes an account, but not the owner, out of a private group or channel.
package struct RemoveMember: AdminOperation {
    package static let name = "flow.remove_member"
    package static let summary = "Take an account out of a private group or channel."
    package static let access = OperationActor.Scope.write

    /// The flow, as operators name it.
    package var uuid: String
    /// Whom to remove.
    package var login: String

    package init(uuid: String, login: String) {
        self.uuid = uuid
        self.login = login
    }

    package var target: String? { uuid }

    package func run(on context: OperationContext) async throws(OperationError) -> MembershipReport {
        let flow = try await context.flow(uuid: uuid)
        let user = try await context.user(login: login)
        try flow.checkHasMemberList()
        if user.id == flow.owner { throw OperationError(.refused, "The owner '\(user.login)' cannot be removed.") }
        do {
            _ = try await context.write(Write.RemoveMember(flow.id, user.id), on: flow.uuid.description)
        } catch  where error.kind == .notFound {
            throw OperationError(
                .notFound, "'\(user.login)' is no member of flow \(flow.uuid).",
                nextStep: "List the members with 'manage flow show \(flow.uuid)'.")
        }
        return MembershipReport(flow: flow.uuid.description, login: user.login, isMember: false)
    }
}

extension FlowRecord {
    /// Refuses to change the members of what has none of its own, or always the same two.
    fileprivate func checkHasMemberList() throws(OperationError) {
        if kind == .chat { throw OperationError(.refused, "A chat has the same two members for ever.") }
        if isPublic {
            throw OperationError(
                .refused, "A public \(kind.rawValue) has no member list: every account reads it.",
                nextStep: "Create a private one with --member.")
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.show`: a flow and its members.
package struct ShowFlow: AdminOperation {
    /// What `flow.show` tells.
    package struct Report: Codable, Sendable {
        package var flow: FlowReport
        /// The logins of a private flow's members by row number, at most 1000.
        package var members: [String]
        /// Whether there are more members than are listed.
        package var areMembersCut: Bool

        private enum CodingKeys: String, CodingKey {
            case flow, members
            case areMembersCut = "membersCut"
        }
    }

    private static let maximumMembers = 1000

    package static let name = "flow.show"
    package static let summary = "Show a flow and its members."
    package static let access = OperationActor.Scope.read

    package var uuid: String

    package init(uuid: String) {
        self.uuid = uuid
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let flow = try await context.flow(uuid: uuid)
        let members = try await context.reading { try await $0.members(of: flow.id, limit: Self.maximumMembers + 1) }
        return Report(
            flow: try await context.report(of: flow), members: members.prefix(Self.maximumMembers).map(\.login),
            areMembersCut: members.count > Self.maximumMembers)
    }
}

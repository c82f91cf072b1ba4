// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// A flow with what an account may read of it.
///
/// The rule is the same on every protocol. A membership is a list of stays, each from the event of the joining to that
/// of the leaving. What comes unasked, live or after a login, is what was said within them, whether the account is
/// still a member or not (`missed`, `groupUpdates`, `updates` with `.pushed`). What is asked for is everything for a
/// member, and everything up to their leaving, as it was then, for those who left.
package struct ReadableFlow: Sendable {
    /// The flow as it is now.
    package var access: FlowAccess
    /// Where the reader left; `nil` for a member.
    package var end: Position?

    /// A flow that its reader sees now.
    package init(_ access: FlowAccess) {
        self.access = access
    }

    init(_ access: FlowAccess, until end: Position?) {
        self.access = access
        self.end = end
    }
}

extension Chat {
    /// What the principal may read of a flow.
    ///
    /// - Throws: `.noSuchFlow`, also for one that the principal never saw.
    package func readableFlow(_ uuid: Identifier, for principal: Principal) async throws(ChatError) -> ReadableFlow {
        let access = try await access(to: uuid)
        if access.isVisible(to: principal.user) { return ReadableFlow(access) }
        let stays = try await reading { try await storage.memberships(of: principal.user, in: access.id) }
        guard let last = stays.last else { throw .noSuchFlow }
        return ReadableFlow(access, until: last.left)
    }

    /// How many messages of a flow its reader may see.
    func messageCount(of flow: ReadableFlow) async throws(ChatError) -> Int64 {
        let count = try await reading {
            try await storage.messageCount(of: flow.access.id, before: flow.end)
        }
        guard let count else { throw .noSuchFlow }
        return count
    }

    /// Who were members of a private flow when the event at `position` had happened.
    func members(of flow: FlowID, at position: Position) async throws(ChatError) -> Set<UserID> {
        var members: Set<UserID> = []
        var last = UserID(0)
        while true {
            let after = last
            let page = try await reading {
                try await storage.members(of: flow, at: position, after: after, limit: Self.membersPage)
            }
            members.formUnion(page)
            guard page.count == Self.membersPage, let newest = page.last else { return members }
            last = newest
        }
    }

    private static let membersPage = 10_000
}

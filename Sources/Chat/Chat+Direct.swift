// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Chat {
    /// The one chat of the principal and another account, made when there is none.
    ///
    /// - Throws: `.noSuchUser`; `.invalidFlow` for oneself.
    package func directFlow(with person: Person, by principal: Principal) async throws(ChatError) -> FlowAccess {
        guard person.id != principal.user else { throw .invalidFlow("A chat has two different people.") }
        let pair = UserPair(principal.user, person.id)
        if let known = cache.chat(of: pair) {
            do {
                return try await visibleFlow(known, to: principal)
            } catch .noSuchFlow {
                // It was deleted: there will be another one.
            }
        }
        let found = try await reading { try await storage.chatFlow(between: principal.user, and: person.id) }
        let chat: FlowRecord
        if let found {
            chat = found
        } else {
            chat = try await createFlow(
                .chat, title: "", info: "", members: [principal.uuid, person.uuid], by: principal
            ).record
        }
        cache.remember(chat, of: pair)
        return try await visibleFlow(chat.uuid, to: principal)
    }

    /// The one chat of the principal and another account if it is in memory, at once.
    package func knownDirectFlow(with person: Person, by principal: Principal) throws(ChatError) -> FlowAccess? {
        guard person.id != principal.user else { throw .invalidFlow("A chat has two different people.") }
        guard let uuid = cache.chat(of: UserPair(principal.user, person.id)), let access = cache.flow(uuid: uuid)
        else { return nil }
        return access.isVisible(to: principal.user) ? access : nil
    }

    /// The other side of a chat of two.
    ///
    /// - Returns: `nil` for a group or channel.
    package func otherSide(of flow: FlowAccess, than user: UserID) async throws(ChatError) -> Person? {
        guard flow.kind == .chat, let other = flow.members.first(where: { $0 != user }) else { return nil }
        return try await person(other)
    }

    /// A flow by its row number, as messenger's and FastChat's clients name groups.
    ///
    /// - Throws: `.noSuchFlow`, also for one that the principal does not see.
    package func flow(row: Int64, for principal: Principal) async throws(ChatError) -> FlowAccess {
        let access = try await access(to: FlowID(row))
        guard access.isVisible(to: principal.user) else { throw .noSuchFlow }
        return access
    }

    /// The same if it is in memory and the principal sees it, at once.
    package func knownFlow(row: Int64, for principal: Principal) -> FlowAccess? {
        guard let access = cache.flow(FlowID(row)), access.isVisible(to: principal.user) else { return nil }
        return access
    }

    /// A flow by its uuid.
    ///
    /// - Throws: `.noSuchFlow`, also for one that the principal does not see.
    package func flow(_ uuid: Identifier, for principal: Principal) async throws(ChatError) -> FlowAccess {
        try await visibleFlow(uuid, to: principal)
    }

    // MARK: Groups

    /// Makes a group of the principal's; they are a member of it.
    package func createGroup(
        title: String, members: [Person], by principal: Principal
    ) async throws(ChatError) -> FlowAccess {
        let flow = try await createFlow(
            .group, title: title, info: "",
            members: [principal.uuid] + members.map(\.uuid).filter { $0 != principal.uuid },
            by: principal)
        return try await access(to: flow.record.id)
    }

    /// Adds an account to a group of the principal's.
    ///
    /// - Returns: Whether they were a member already.
    /// - Throws: `.notAllowed` unless the principal owns it.
    package func addMember(
        _ person: Person, to flow: FlowAccess, by principal: Principal
    ) async throws(ChatError) -> Bool {
        guard flow.owner == principal.user else { throw .notAllowed("Only the owner of a group adds members.") }
        try admit(.write, by: principal)
        return try await write(Write.AddMember(flow.id, person.id), by: principal).existed
    }

    /// Removes an account from a group of the principal's, or oneself from any; delivery to it stops at once.
    ///
    /// - Throws: `.notAllowed` unless the principal owns it or leaves it.
    package func removeMember(_ person: Person, from flow: FlowAccess, by principal: Principal) async throws(ChatError)
    {
        guard flow.owner == principal.user || person.id == principal.user else {
            throw .notAllowed("Only the owner of a group removes members.")
        }
        try admit(.write, by: principal)
        _ = try await write(Write.RemoveMember(flow.id, person.id), by: principal)
    }
}

/// Two accounts, in either order.
struct UserPair: Hashable {
    private let low: UserID
    private let high: UserID

    init(_ one: UserID, _ other: UserID) {
        low = min(one, other)
        high = max(one, other)
    }
}

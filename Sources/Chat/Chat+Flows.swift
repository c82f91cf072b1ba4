// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// A flow as its members see it.
package struct Flow: Sendable {
    package var record: FlowRecord
    /// Empty for a public one.
    package var members: [Identifier]
}

extension Chat {
    /// The most members that are listed with a flow, and all flows of one answer together.
    package static let maximumListedMembers = 100_000

    /// Creates a flow with the members that the principal named.
    ///
    /// A chat of two who have one gives that one. The principal is added to a private flow. Refusals: `.invalidFlow`,
    /// `.noSuchUser`, `.tooLong`.
    package func createFlow(
        _ kind: FlowRecord.Kind, title: String, info: String, members: [Identifier], by principal: Principal
    ) async throws(ChatError) -> Flow {
        try MessageContent.check(title, "title", limit: ChatLimits.titleBytes)
        try MessageContent.check(info, "info", limit: ChatLimits.infoBytes)
        guard members.count <= ChatLimits.newMembers else {
            throw .invalidFlow("A new flow names at most \(ChatLimits.newMembers) people; add more afterwards.")
        }
        try admit(.write, by: principal)
        if kind != .chat { try await checkFlowQuota(of: principal, public: members.isEmpty) }
        var people: [UserID] = []
        if kind == .chat {
            guard members.count == 2, members[0] != members[1], members.contains(principal.uuid) else {
                throw .invalidFlow("A chat has exactly two different people, and you are one of them.")
            }
        }
        if !members.isEmpty {
            let unique = Array(Set(members))
            people = try await users(unique).map { (user) throws(ChatError) in
                guard user.deleted == nil else { throw .noSuchUser }
                return user.id
            }
            if !people.contains(principal.user) { people.append(principal.user) }
        }
        let flow = NewFlow(
            uuid: newIdentifier(), kind: kind, title: title, info: info, owner: principal.user,
            isPublic: members.isEmpty,
            members: people)
        return try await shown(try await write(Write.CreateFlow(flow), by: principal).result)
    }

    private func shown(_ id: FlowID) async throws(ChatError) -> Flow {
        let record = try await reading { try await storage.flow(id) }
        guard let record else { throw .noSuchFlow }
        return try await flows([record]).flows[0]
    }

    /// A flow as it stands, and who sees it: `nil` for all accounts.
    ///
    /// - Returns: `nil` when the flow is gone.
    func shownFlow(_ id: FlowID) async throws(ChatError) -> (flow: Flow, readers: Set<UserID>?)? {
        let record = try await reading { try await storage.flow(id) }
        guard let record else { return nil }
        if record.isPublic { return (Flow(record: record, members: []), nil) }
        // Read after the flow: no account is shown what came after it had left.
        let members = try await reading {
            try await storage.members(of: id, limit: Self.maximumListedMembers)
        }
        var readers = Set(members.map(\.user))
        if members.count == Self.maximumListedMembers { readers.formUnion(try await access(to: id).members) }
        return (Flow(record: record, members: members.map(\.uuid)), readers)
    }

    /// Adds the members to flows, as many flows as fit the bound of listed members.
    private func flows(
        _ records: [FlowRecord], listing maximum: Int = maximumListedMembers
    ) async throws(ChatError) -> (flows: [Flow], isCut: Bool) {
        let counts = try await reading { try await storage.memberCounts(of: records.filter { !$0.isPublic }.map(\.id)) }
        var listed = 0
        let shown = records.prefix { record in
            defer { listed += min(counts[record.id] ?? 0, maximum) }
            return listed < maximum
        }
        let ordinary = shown.map(\.id).filter { (1...maximum).contains(counts[$0] ?? 0) }
        var members = try await reading { try await storage.members(of: ordinary) }
        for flow in shown.map(\.id) where counts[flow] ?? 0 > maximum {
            members[flow] = try await reading {
                try await storage.members(of: flow, limit: maximum)
            }.map(\.uuid)
        }
        return (shown.map { Flow(record: $0, members: members[$0.id] ?? []) }, shown.count < records.count)
    }

    /// The flows that the principal sees, by age.
    ///
    /// - Returns: At most `limit` with at most `maximum` members, and whether that were not all.
    package func visibleFlows(
        to principal: Principal, limit: Int = 1000, listing maximum: Int = maximumListedMembers
    ) async throws(ChatError) -> (flows: [Flow], isCut: Bool) {
        try admit(.read, by: principal)
        let records = try await reading { try await storage.flows(visibleTo: principal.user, limit: limit + 1) }
        let (flows, isCut) = try await flows(Array(records.prefix(limit)), listing: maximum)
        return (flows, isCut || records.count > limit)
    }

    /// What the principal may know of a flow; what they may not see does not exist.
    func visibleFlow(_ uuid: Identifier, to principal: Principal) async throws(ChatError) -> FlowAccess {
        let access = try await access(to: uuid)
        guard access.isVisible(to: principal.user) else { throw .noSuchFlow }
        return access
    }

    /// The same if it is in memory, at once; `nil` if the flow has to be read.
    package func knownFlow(_ uuid: Identifier, for principal: Principal) throws(ChatError) -> FlowAccess? {
        guard let access = cache.flow(uuid: uuid) else { return nil }
        guard access.isVisible(to: principal.user) else { throw .noSuchFlow }
        return access
    }

    /// A flow, without a check of rights.
    func access(to uuid: Identifier) async throws(ChatError) -> FlowAccess {
        if let known = cache.flow(uuid: uuid) { return known }
        return try await access { try await storage.flowWithMembers(uuid: uuid) }
    }

    /// The same by row number.
    func access(to id: FlowID) async throws(ChatError) -> FlowAccess {
        if let known = cache.flow(id) { return known }
        return try await access { try await storage.flowWithMembers(id) }
    }

    private func access(
        reading read: () async throws -> (flow: FlowRecord, members: [UserID])?
    ) async throws(ChatError) -> FlowAccess {
        let generation = cache.generation
        guard let (record, members) = try await reading(read) else { throw .noSuchFlow }
        let access = FlowAccess(
            id: record.id, uuid: record.uuid, kind: record.kind, owner: record.owner, isPublic: record.isPublic,
            title: record.title, isBridged: record.isBridged, members: Set(members))
        cache.remember(access, at: record.head, readAt: generation)
        return access
    }

    // MARK: Updates

    /// What changed for one account, as people see it.
    package struct Updates: Sendable {
        package var messages: [Message]
        package var flows: [Flow]
        package var users: [UserRecord]
        package var cursor: Position
        package var isCut: Bool
    }

    /// What the principal may see of the log after `cursor`; see `ReadableFlow` for how much of a flow that is.
    package func updates(
        for principal: Principal, after cursor: Position, limit: Int, wholeSeconds: Bool = false,
        _ scope: ReadingScope = .asked, excluding excluded: Set<Position> = []
    ) async throws(ChatError) -> Updates {
        let page = try await reading {
            try await storage.updates(
                for: principal.user, after: cursor, limit: limit, wholeSeconds: wholeSeconds, scope, excluding: excluded
            )
        }
        let (flows, _) = try await flows(page.flows)
        return Updates(
            messages: await Message.shown(page.messages), flows: flows, users: page.users, cursor: page.cursor,
            isCut: page.isCut)
    }

    /// The same since a time, whole seconds at a time.
    package func updates(for principal: Principal, since time: Timestamp, limit: Int) async throws(ChatError) -> Updates
    {
        let cursor = try await reading { try await storage.cursor(before: time) }
        return try await updates(for: principal, after: cursor, limit: limit, wholeSeconds: true)
    }

    /// The end of the log now.
    package func head() async throws(ChatError) -> Position {
        try await reading { try await storage.head() }
    }
}

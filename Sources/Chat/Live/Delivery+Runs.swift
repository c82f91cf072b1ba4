// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

extension Delivery {
    /// How many bytes of messages are read at a time; a larger message is read alone.
    private static let maximumReadBytes = 8 << 20
    /// How many messages are read at a time.
    private static let maximumReadMessages = 1000

    /// Messages that were read, each once for all connections; `nil` for those that are not there any more.
    private typealias ReadMessages = [Position: MessageRecord?]

    func deliver(
        _ events: [LogEvent], committed: ContinuousClock.Instant?, from source: some DeliverySource
    ) async {
        for event in events {
            if event.kind == .user, let user = event.subject { presence.profileChanged(UserID(user)) }
            if event.kind == .contact { hub.contactChanged(event) }
        }
        let runs = await plan(events, from: source)
        var known: ReadMessages = [:]
        for index in runs.indices {
            var rest = runs[index]
            do throws(ChatError) {
                while !rest.items.isEmpty {
                    func isKnown(_ item: PlannedRun.Item) -> Bool { item.message.map { known[$0] != nil } ?? true }
                    if let first = rest.items.first, !isKnown(first) {
                        known = try await read([rest] + runs[(index + 1)...], from: source)
                    }
                    var part = rest
                    part.items = rest.items.prefix(while: isKnown)
                    rest.items = rest.items.dropFirst(part.items.count)
                    guard !part.items.isEmpty else { break }
                    try await deliver(part, known, committed: committed, from: source)
                }
            } catch {
                // The store is out of reach: the reads will tell of this and of the rest.
                return hub.hintEverybody()
            }
        }
    }

    /// Reads the messages that some runs need, from the first on, as many as may be held.
    private func read(
        _ runs: [PlannedRun], from source: some DeliverySource
    ) async throws(ChatError) -> ReadMessages {
        var wanted: [Position] = []
        var known: ReadMessages = [:]
        for position in runs.lazy.flatMap(\.messages) where wanted.count < Self.maximumReadMessages {
            if known.updateValue(nil, forKey: position) == nil { wanted.append(position) }
        }
        let positions = wanted
        let page = try await source.reading {
            try await storage.messages(at: positions, maximumBytes: Self.maximumReadBytes)
        }
        for message in page.messages { known[message.position] = message }
        if page.isCut, let end = page.messages.last.flatMap({ positions.firstIndex(of: $0.position) }) {
            for position in positions[(end + 1)...] { known.removeValue(forKey: position) }
        }
        return known
    }

    private func deliver(
        _ run: PlannedRun, _ known: ReadMessages, committed: ContinuousClock.Instant?, from source: some DeliverySource
    ) async throws(ChatError) {
        if case .messages = run.subject, let flow = run.flow {
            return try await deliver(run, in: flow, known, committed: committed, from: source)
        }
        guard let change = try await change(run, known, from: source) else { return }
        for (sink, connections) in run.audience.lists { sink.deliver(change, to: connections) }
    }

    private func deliver(
        _ run: PlannedRun, in flow: FlowAccess, _ known: ReadMessages, committed: ContinuousClock.Instant?,
        from source: some DeliverySource
    ) async throws(ChatError) {
        var messages: [LiveMessage] = []
        messages.reserveCapacity(run.items.count)
        for item in run.items {
            let event = item.event
            var edited: Timestamp?
            guard let content = item.content ?? Self.stored(event, known, edited: &edited) else { continue }
            messages.append(
                LiveMessage(
                    position: event.position, number: event.number ?? 0, uuid: event.uuid, time: event.time,
                    sender: try await source.person(event.sender ?? UserID(0)), content: content, edited: edited))
        }
        guard !messages.isEmpty else { return }
        let live = LiveRun(flow: flow, messages: messages)
        for (sink, connections) in run.audience.lists { sink.deliver(live, to: connections) }
        metrics.handedOver(
            messages: messages.count, to: run.audience.lists.map { ($0.sink.protocolName, $0.connections.count) },
            after: committed.map { $0.duration(to: instant()) })
    }

    /// What a new message said that was read; an edit is told by its own event, perhaps to fewer.
    private static func stored(
        _ event: LogEvent, _ known: ReadMessages, edited: inout Timestamp?
    ) -> MessageContent? {
        guard var record = known[event.position] ?? nil else { return nil }
        if case .edited = record.change { record.change = nil }
        let message = Message(record)
        edited = message.edited
        return message.content
    }

    // MARK: Changes

    private func change(
        _ run: PlannedRun, _ known: ReadMessages, from source: some DeliverySource
    ) async throws(ChatError) -> LiveChange? {
        let events = run.items.map(\.event)
        guard let first = events.first, let last = events.last else { return nil }
        let span = first.position...last.position
        switch run.subject {
        case .messages: return nil
        case .end: return LiveChange(.nothing, at: [], in: span, places: Self.places(events))
        case .replacements:
            let found = events.compactMap { event in Self.replaced(event, known).map { (event.position, $0) } }
            return LiveChange(.messages(found.map(\.1)), at: found.map(\.0), in: span)
        case .accounts:
            let users = events.compactMap { $0.subject.map { UserID($0) } }
            let records = try await source.reading {
                try await storage.shownUsers(users)
            }
            let found = events.compactMap { event in
                event.subject.flatMap { records[UserID($0)] }.map { (event.position, $0) }
            }
            return LiveChange(.accounts(found.map(\.1)), at: found.map(\.0), in: span)
        case .flow(let id):
            guard let (flow, readers) = try await source.shownFlow(id) else { return nil }
            return LiveChange(
                .flow(flow), at: events.map(\.position), in: span, readers: readers,
                places: events.contains { $0.kind == .flow } ? nil : Self.places(events))
        }
    }

    private static func places(_ events: [LogEvent]) -> Set<UserID> {
        Set(events.lazy.filter { $0.kind == .join || $0.kind == .leave }.compactMap { $0.subject.map { UserID($0) } })
    }

    /// A message as an edit or a deletion left it: a later edit is told by its own event, perhaps to fewer.
    private static func replaced(_ event: LogEvent, _ known: ReadMessages) -> Message? {
        guard var record = event.replaces.flatMap({ known[$0] ?? nil }) else { return nil }
        if case .edited = record.change, event.kind == .edit {
            record.change = .edited(event.time, content: event.content)
        }
        return Message(record)
    }
}

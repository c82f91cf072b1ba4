// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// Events of a batch that are told together, and who listened when they had happened.
struct PlannedRun {
    /// What events that follow each other must have in common to be told together.
    enum Subject: Equatable {
        case messages(in: FlowID)
        case replacements(in: FlowID)
        case flow(FlowID)
        case end(of: FlowID)
        case accounts

        /// `nil` for what the connections are not told of.
        init?(_ event: LogEvent) {
            switch event.kind {
            case .message:
                guard let flow = event.flow else { return nil }
                self = .messages(in: flow)
            case .edit, .deletion:
                // Of many old messages that are erased together no client is told.
                guard let flow = event.flow, event.replaces != nil else { return nil }
                self = .replacements(in: flow)
            case .flow, .join, .leave:
                if let flow = event.flow {
                    self = .flow(flow)
                } else if event.kind == .flow, let flow = event.subject {
                    self = .end(of: FlowID(flow))
                } else {
                    return nil
                }
            case .user: self = .accounts
            case .session, .admin, .contact, .key, .invite: return nil
            }
        }

        /// How many events are told together.
        var maximumEvents: Int {
            switch self {
            // Pictures of accounts are large.
            case .accounts: 32
            case .messages, .replacements, .flow, .end: .max
            }
        }
    }

    struct Item {
        let event: LogEvent
        /// What a new message says, if all of it is in the event.
        var content: MessageContent?
        /// The message that has to be read first.
        var message: Position?

        init(_ event: LogEvent) {
            self.event = event
            switch event.kind {
            case .message:
                let content = MessageContent(content: event.content, blobs: [:])
                // What lies beside the event is only in the store, and what was deleted since says nothing here.
                if content.isIncomplete || event.isErased { message = event.position } else { self.content = content }
            case .edit, .deletion: message = event.replaces
            case .flow, .join, .leave, .user, .session, .admin, .contact, .key, .invite: break
            }
        }
    }

    let subject: Subject
    let flow: FlowAccess?
    let audience: Audience
    var items: ArraySlice<Item>

    init(_ subject: Subject, _ events: some Sequence<LogEvent>, in flow: FlowAccess? = nil, for audience: Audience) {
        self.subject = subject
        self.flow = flow
        self.audience = audience
        items = events.map(Item.init)[...]
    }

    /// The messages that have to be read.
    var messages: some Sequence<Position> { items.lazy.compactMap(\.message) }
}

extension Delivery {
    /// Finds out which connections are told of what.
    ///
    /// The hub follows the events also when no connection listens: one that comes next must not find the members of
    /// before.
    func plan(_ events: [LogEvent], from source: some DeliverySource) async -> [PlannedRun] {
        var runs: [PlannedRun] = []
        var hasFailed = false
        var rest = events.filter { PlannedRun.Subject($0) != nil }[...]
        while let subject = rest.first.flatMap(PlannedRun.Subject.init) {
            let alike = rest.prefix(subject.maximumEvents).prefix { PlannedRun.Subject($0) == subject }
            rest = rest.dropFirst(alike.count)
            var ended: Audience?
            for event in alike where event.kind != .message { ended = hub.follow(event) ?? ended }
            guard let last = alike.last, !hasFailed, hub.hasListeners else { continue }
            switch subject {
            case .accounts: runs.append(PlannedRun(subject, alike, for: hub.accountListeners))
            case .end: runs.append(PlannedRun(subject, alike, for: ended ?? hub.everybody))
            case .messages(let id), .replacements(let id), .flow(let id):
                for event in alike where event.kind == .leave {
                    guard let user = event.subject else { continue }
                    runs.append(
                        PlannedRun(
                            .end(of: id), CollectionOfOne(event), for: hub.listeners(of: UserID(user))))
                }
                do throws(ChatError) {
                    let flow = try await source.access(to: id)
                    let audience = try await audience(of: flow, at: last.position, from: source)
                    runs.append(PlannedRun(subject, alike, in: flow, for: audience))
                } catch .noSuchFlow {
                    // It was deleted since, and nothing of it is shown any more.
                } catch {
                    hasFailed = true
                }
            }
        }
        if hasFailed {
            // The store is out of reach: the reads will tell.
            hub.hintEverybody()
            return []
        }
        return runs.filter { !$0.audience.lists.isEmpty }
    }

    /// Who listens to a flow, as the event at `position` left it.
    private func audience(
        of flow: FlowAccess, at position: Position, from source: some DeliverySource
    ) async throws(ChatError) -> Audience {
        if let known = hub.audience(of: flow) { return known }
        return hub.audience(of: flow.id, members: try await source.members(of: flow.id, at: position))
    }
}

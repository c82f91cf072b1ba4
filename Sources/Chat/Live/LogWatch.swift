// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// An entry of the log with the names that an operator knows things by.
package struct WatchedEvent: Sendable {
    package var event: LogEvent
    /// Who caused it; `nil` for the operator.
    package var sender: Person?
    /// The account that it is about, such as who joined.
    package var subject: Person?
    /// The flow it is in; `nil` for what is about an account alone.
    package var flow: FlowAccess?
    /// Who talk in the flow, when it is a chat of two.
    package var partners: [Person] = []

    /// What a message or an edit says, as clients show it that show only text; `nil` for anything else.
    package var text: String? {
        guard event.kind == .message || event.kind == .edit else { return nil }
        return MessageContent(content: event.content, blobs: [:]).readableText
    }
}

extension Chat {
    /// Entries of the log after a position, of all flows and accounts, for the operator.
    ///
    /// Names come from the caches where they are in memory.
    ///
    /// - Returns: None at the end of the log; fewer than `limit` when they are large.
    /// - Throws: `.storageUnavailable` or `.internalFailure`.
    package func watchedEvents(after position: Position, limit: Int) async throws(ChatError) -> [WatchedEvent] {
        let events = try await reading { try await storage.events(after: position, limit: limit) }
        var watched: [WatchedEvent] = []
        watched.reserveCapacity(events.count)
        for event in events { watched.append(try await named(event)) }
        return watched
    }

    private func named(_ event: LogEvent) async throws(ChatError) -> WatchedEvent {
        var watched = WatchedEvent(event: event)
        if let sender = event.sender {
            watched.sender = try await known(sender)
        }
        switch event.kind {
        case .join, .leave, .user, .session, .contact, .key:
            if let subject = event.subject { watched.subject = try await known(UserID(subject)) }
        case .message, .edit, .deletion, .flow, .admin, .invite: break
        }
        guard let id = event.flow else { return watched }
        do {
            let flow = try await access(to: id)
            watched.flow = flow
            guard flow.kind == .chat else { return watched }
            for member in flow.members.sorted() {
                if let person = try await known(member) { watched.partners.append(person) }
            }
        } catch .noSuchFlow {
            // It was deleted since.
        }
        return watched
    }

    /// The account of a number; `nil` when the store has it no longer.
    private func known(_ user: UserID) async throws(ChatError) -> Person? {
        do { return try await person(user) } catch .noSuchUser { return nil }
    }
}

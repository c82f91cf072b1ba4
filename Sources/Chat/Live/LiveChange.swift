// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Something in the log that is no new message, with what it changed: read once, for all connections.
package struct LiveChange: Sendable {
    package enum Content: Sendable {
        /// Messages that were edited or deleted, as the events left them.
        case messages([Message])
        /// A flow that was made or changed, or whose members changed.
        case flow(Flow)
        case accounts([UserRecord])
        /// Nothing that is shown.
        case nothing
    }

    package private(set) var content: Content
    /// Where the events are, in order; for messages and accounts each one's.
    package private(set) var positions: [Position]
    /// From the first event to the last one: the cursor of a connection that has been told of all.
    package let span: ClosedRange<Position>
    /// The accounts that see the content, as one moment has them; `nil` for all.
    private let readers: Set<UserID>?
    /// The accounts whose place in the flow may have changed; `nil` for all that are told.
    package let places: Set<UserID>?

    init(
        _ content: Content, at positions: [Position], in span: ClosedRange<Position>, readers: Set<UserID>? = nil,
        places: Set<UserID>? = []
    ) {
        self.content = content
        self.positions = positions
        self.span = span
        self.readers = readers
        self.places = places
    }

    /// Whether the place of an account in the flow may have changed.
    package func mayMove(_ user: UserID) -> Bool { places?.contains(user) ?? true }

    /// Whether the account still sees the content.
    package func isVisible(to user: UserID) -> Bool { readers?.contains(user) ?? true }

    /// Whether an account is among those that changed.
    package func isAbout(_ user: UserID) -> Bool {
        if case .accounts(let accounts) = content { accounts.contains { $0.id == user } } else { false }
    }

    /// What is left without the events at some positions.
    package func excluding(_ excluded: Set<Position>) -> LiveChange {
        guard !excluded.isEmpty else { return self }
        let kept = positions.indices.filter { !excluded.contains(positions[$0]) }
        guard kept.count < positions.count else { return self }
        var rest = self
        rest.positions = kept.map { positions[$0] }
        switch content {
        case .messages(let messages): rest.content = .messages(kept.map { messages[$0] })
        case .accounts(let accounts): rest.content = .accounts(kept.map { accounts[$0] })
        case .flow, .nothing: if kept.isEmpty { rest.content = .nothing }
        }
        return rest
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// Where a connection stands that wants to be told of what happens: a rule without I/O.
struct MTPPush {
    private enum State {
        case off
        /// Asked for; begins with the answer that has a cursor.
        case waiting(Asker)
        case on(Asker, cursor: Position)
    }

    private var state = State.off
    private var isRunning = false
    private var hasNews = false
    /// What the connection itself caused after its cursor: it is not told of that.
    private(set) var ownPositions: Set<Position> = []

    var isWanted: Bool {
        if case .off = state { false } else { true }
    }

    var isWaiting: Bool {
        if case .waiting = state { true } else { false }
    }

    mutating func wanted(by asker: Asker) {
        if case .off = state { state = .waiting(asker) }
    }

    mutating func begin(after cursor: Position) {
        guard case .waiting(let asker) = state else { return }
        state = .on(asker, cursor: cursor)
        ownPositions = ownPositions.filter { $0 > cursor }
        hasNews = true
    }

    mutating func caused(_ position: Position) {
        switch state {
        case .off: break
        case .waiting: ownPositions.insert(position)
        case .on(_, let cursor): if position > cursor { ownPositions.insert(position) }
        }
    }

    mutating func hinted() {
        if isWanted { hasNews = true }
    }

    /// Whether the caller is to run: something may be new and nobody looks yet.
    mutating func start() -> Bool {
        guard case .on = state, hasNews, !isRunning else { return false }
        isRunning = true
        return true
    }

    /// From where to look, until there is nothing new.
    mutating func next() -> (Asker, Position)? {
        guard case .on(let asker, let cursor) = state, hasNews else { return nil }
        hasNews = false
        return (asker, cursor)
    }

    /// - Returns: Whether pushing is still on.
    mutating func arrived(at cursor: Position, more: Bool) -> Bool {
        guard case .on(let asker, _) = state else { return false }
        state = .on(asker, cursor: cursor)
        ownPositions = ownPositions.filter { $0 > cursor }
        if more { hasNews = true }
        return true
    }

    mutating func stop() {
        isRunning = false
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// Whether a connection wants to be told of what happens, and where it stands: a rule without I/O.
struct MTPPush {
    private enum State {
        case off
        /// Asked for; begins with the answer that has a cursor.
        case waiting(Principal)
        case on(Principal, LiveCursor)
    }

    private var state = State.off
    /// What the connection itself caused after its cursor: it is not told of that.
    private(set) var ownPositions: Set<Position> = []
    /// The connection's own messages, from before they are committed, with their positions once these are known.
    private var ownMessages: [Identifier: Position?] = [:]

    var isWanted: Bool {
        if case .off = state { false } else { true }
    }

    /// Who switched it on.
    var principal: Principal? {
        switch state {
        case .off: nil
        case .waiting(let principal), .on(let principal, _): principal
        }
    }

    /// An account wants to be told; with another session of its own it goes on where it stands.
    ///
    /// - Returns: Whether something changed: while one account is told, no other one is.
    mutating func wanted(by principal: Principal) -> Bool {
        switch state {
        case .off: state = .waiting(principal)
        case .waiting(let known):
            guard known.user == principal.user, known != principal else { return false }
            state = .waiting(principal)
        case .on(let known, let cursor):
            guard known.user == principal.user, known != principal else { return false }
            state = .on(principal, cursor)
        }
        return true
    }

    /// An answer to `principal` ends at `cursor`; what follows is pushed, if that is who waits for it.
    mutating func begin(after cursor: Position, for principal: Principal) {
        guard case .waiting(let waiting) = state, waiting.user == principal.user else { return }
        state = .on(waiting, LiveCursor(after: cursor))
        forgetOwn(upTo: cursor)
    }

    /// The connection sends a message: whoever reads the log before the answer may meet it there.
    mutating func sends(_ message: Identifier) {
        if isWanted { ownMessages[message] = .some(nil) }
    }

    /// The message was refused.
    mutating func didNotSend(_ message: Identifier) {
        ownMessages[message] = nil
    }

    /// The message is in the log.
    mutating func sent(_ message: Identifier, at position: Position) {
        caused(position)
        guard ownMessages[message] != nil else { return }
        if case .on(_, let cursor) = state, position <= cursor.position {
            ownMessages[message] = nil
        } else {
            ownMessages[message] = position
        }
    }

    func isOwn(_ message: Identifier) -> Bool { ownMessages[message] != nil }

    private mutating func forgetOwn(upTo position: Position) {
        ownPositions = ownPositions.filter { $0 > position }
        ownMessages = ownMessages.filter { $0.value.map { $0 > position } ?? true }
    }

    mutating func caused(_ position: Position) {
        switch state {
        case .off: break
        case .waiting: ownPositions.insert(position)
        case .on(_, let cursor): if position > cursor.position { ownPositions.insert(position) }
        }
    }

    /// Whether to show a live run at once; see `LiveCursor.takes`.
    ///
    /// What the connection itself caused is passed over; a run that has others' messages as well is left to a read.
    mutating func takes(_ run: LiveRun, isReady: Bool) -> Bool {
        guard !ownMessages.isEmpty else { return advances(over: run, isReady: isReady) }
        let own = run.messages.count { isOwn($0.uuid) }
        guard own == 0 || own == run.messages.count else {
            hinted()
            return false
        }
        guard advances(over: run, isReady: isReady) else { return false }
        forgetOwn(upTo: run.last)
        return own == 0
    }

    private mutating func advances(over run: LiveRun, isReady: Bool) -> Bool {
        changing { cursor in cursor.takes(run, isReady: isReady) } ?? false
    }

    mutating func hinted() {
        _ = changing { cursor in cursor.hinted() }
    }

    /// Whether the caller is to read.
    mutating func start() -> Bool {
        changing { cursor in cursor.start() } ?? false
    }

    /// From where to read, until there is nothing new.
    mutating func next() -> (Principal, Position)? {
        guard case .on(let principal, _) = state else { return nil }
        return changing { cursor in cursor.next() }.flatMap { $0 }.map { (principal, $0) }
    }

    /// Notes what a read has shown.
    ///
    /// - Returns: Whether pushing is still on.
    mutating func arrived(at position: Position, more: Bool) -> Bool {
        forgetOwn(upTo: position)
        return changing { cursor in cursor.arrived(at: position, more: more) } != nil
    }

    mutating func stop() {
        _ = changing { cursor in cursor.stop() }
    }

    private mutating func changing<Value>(_ change: (inout LiveCursor) -> Value) -> Value? {
        guard case .on(let principal, var cursor) = state else { return nil }
        defer { state = .on(principal, cursor) }
        return change(&cursor)
    }
}

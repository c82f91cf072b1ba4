// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// Who wants to be told of what happens on a connection, and what of it the connection did itself: a rule without I/O.
///
/// How far the connection has been told is the business of its `LiveReader`.
struct MTPFeed {
    /// Who switched it on.
    private(set) var principal: Principal?
    /// What the connection itself caused after its cursor: it is not told of that.
    private(set) var ownPositions: Set<Position> = []
    /// The connection's own messages, from before they are committed, with their positions once these are known.
    private var ownMessages: [Identifier: Position?] = [:]

    var isWanted: Bool { principal != nil }

    /// An account wants to be told; with another session of its own it goes on where it stands.
    ///
    /// - Returns: Whether something changed: while one account is told, no other one is.
    mutating func wanted(by new: Principal) -> Bool {
        if let principal, principal.user != new.user || principal == new { return false }
        principal = new
        return true
    }

    // MARK: What the connection did itself

    /// The connection sends a message: a read of the log before the answer may find it there.
    mutating func sends(_ message: Identifier) {
        if isWanted { ownMessages[message] = .some(nil) }
    }

    /// The message was refused.
    mutating func didNotSend(_ message: Identifier) {
        if !ownMessages.isEmpty { ownMessages[message] = nil }
    }

    /// The message is in the log; the connection has been told of everything up to `shown`.
    mutating func sent(_ message: Identifier, at position: Position, shown: Position?) {
        guard isWanted else { return }
        caused(position, shown: shown)
        guard ownMessages[message] != nil else { return }
        ownMessages[message] = shown.map { position <= $0 } == true ? nil : position
    }

    /// A request that was no message is in the log.
    mutating func caused(_ position: Position, shown: Position?) {
        if isWanted, position > shown ?? .start { ownPositions.insert(position) }
    }

    /// Whether the connection sent a message itself and was not told of anything after it.
    func isOwn(_ message: Identifier) -> Bool { !ownMessages.isEmpty && ownMessages[message] != nil }

    /// The connection was told of everything up to here.
    mutating func forgetOwn(upTo position: Position) {
        if !ownPositions.isEmpty { ownPositions = ownPositions.filter { $0 > position } }
        if !ownMessages.isEmpty { ownMessages = ownMessages.filter { $0.value.map { $0 > position } ?? true } }
    }

    /// How many messages of a run are the connection's own.
    func ownMessages(in run: LiveRun) -> Int {
        ownMessages.isEmpty ? 0 : run.messages.count { isOwn($0.uuid) }
    }
}

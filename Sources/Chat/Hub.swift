// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// A live connection as the hub knows it.
///
/// Every call may come on any thread and returns at once.
package protocol LiveConnection: AnyObject, Sendable {
    /// Something that the account sees has happened: look into the log after your cursor.
    func newsArrived()
    /// The session was revoked or its account deleted: tell the peer and close.
    func sessionRevoked()
}

/// Tells live connections that there is something in the log for them.
///
/// Push is a hint, the log is the truth.
package final class Hub: Sendable {
    private struct Entry {
        var user: UserID
        var session: SessionID
        var connection: any LiveConnection
        var wantsNews: Bool
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var ofUser: [UserID: Set<ObjectIdentifier>] = [:]
        var listeners: [UserID: Int] = [:]
        /// Sessions whose connections are gone, since they were last asked for.
        var left: Set<SessionID> = []
    }

    private let state = Mutex(State())

    /// Connections with a log in, and how many of them want news.
    package var counts: (connections: Int, listeners: Int) {
        state.withLock { state in (state.entries.count, state.listeners.values.reduce(0, +)) }
    }

    /// Notes that a connection works for an account, so that a revoked session reaches it.
    ///
    /// Repeats are free.
    package func attach(_ connection: any LiveConnection, asker: Asker, wantsNews: Bool) {
        state.withLock { state in
            let key = ObjectIdentifier(connection)
            Self.remove(key, from: &state)
            state.entries[key] = Entry(
                user: asker.user, session: asker.session, connection: connection, wantsNews: wantsNews)
            state.ofUser[asker.user, default: []].insert(key)
            if wantsNews { state.listeners[asker.user, default: 0] += 1 }
        }
    }

    /// Forgets a connection.
    package func detach(_ connection: any LiveConnection) {
        state.withLock { state in Self.remove(ObjectIdentifier(connection), from: &state) }
    }

    private static func remove(_ key: ObjectIdentifier, from state: inout State) {
        guard let old = state.entries.removeValue(forKey: key) else { return }
        state.left.insert(old.session)
        state.ofUser[old.user]?.remove(key)
        if state.ofUser[old.user]?.isEmpty == true { state.ofUser[old.user] = nil }
        if old.wantsNews {
            state.listeners[old.user, default: 1] -= 1
            if state.listeners[old.user] == 0 { state.listeners[old.user] = nil }
        }
    }

    /// Hints every listener that may see one of the events.
    ///
    /// `flow` gives what is known of a flow without asking the store; of an unknown one everybody is told.
    func announce(_ events: [LogEvent], flow: (FlowID) -> FlowAccess?) {
        let told = state.withLock { state -> [any LiveConnection] in
            guard !state.listeners.isEmpty else { return [] }
            var users: Set<UserID> = []
            for id in Set(events.compactMap(\.flow)) {
                guard let flow = flow(id), !flow.isPublic else {
                    users.formUnion(state.listeners.keys)
                    break
                }
                if flow.members.count <= state.listeners.count {
                    for member in flow.members where state.listeners[member] != nil { users.insert(member) }
                } else {
                    for listener in state.listeners.keys where flow.members.contains(listener) {
                        users.insert(listener)
                    }
                }
            }
            if events.contains(where: { $0.kind == .user }) { users.formUnion(state.listeners.keys) }
            return users.flatMap { state.ofUser[$0] ?? [] }.compactMap { key in
                state.entries[key].flatMap { $0.wantsNews ? $0.connection : nil }
            }
        }
        for connection in told { connection.newsArrived() }
    }

    /// The connections of an account with the session each works for.
    func connections(of user: UserID) -> [(SessionID, any LiveConnection)] {
        state.withLock { state in
            (state.ofUser[user] ?? []).compactMap { state.entries[$0] }.map { ($0.session, $0.connection) }
        }
    }

    /// The sessions that had a connection since this was last asked.
    package func takeSeenSessions() -> Set<SessionID> {
        state.withLock { state in
            var seen = state.left
            for entry in state.entries.values { seen.insert(entry.session) }
            state.left = []
            return seen
        }
    }

    /// Whether an account has a live connection.
    package func isConnected(_ user: UserID) -> Bool {
        state.withLock { $0.ofUser[user] != nil }
    }
}

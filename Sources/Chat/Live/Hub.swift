// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
package import Storage
import Synchronization

/// Knows the live connections: whose they are, which want news, who watches whom.
///
/// Push is a hint, the log is the truth.
package final class Hub: Sendable {
    struct Entry {
        var user: UserID
        var session: SessionID
        var expires: Timestamp
        var connection: any LiveConnection
        var wantsNews: Bool
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var ofUser: [UserID: Set<ObjectIdentifier>] = [:]
        var listeners: [UserID: Int] = [:]
        var protocols: [String: Int] = [:]
        var audiences = AudienceIndex()
        /// No session of a connection expires before this.
        var firstExpiry = Timestamp(milliseconds: .max)
        /// What those who come are told, as those who were here have been.
        var announcement: String?
    }

    private let state = Mutex(State())
    /// Who came and went, for `Presence`.
    let presence: Presence

    /// Told of each session that gets a connection.
    private let onJoin: @Sendable (SessionID) -> Void
    /// Told of each session whose last connection is gone, and whose it is.
    private let onLeave: @Sendable (SessionID, UserID) -> Void

    /// Told of each connection that is logged in: by which protocol, and as whom.
    private let onConnect: @Sendable (String, Principal) -> Void

    init(
        presence: Presence, onJoin: @escaping @Sendable (SessionID) -> Void = { _ in },
        onLeave: @escaping @Sendable (SessionID, UserID) -> Void,
        onConnect: @escaping @Sendable (String, Principal) -> Void = { _, _ in }
    ) {
        self.presence = presence
        self.onJoin = onJoin
        self.onLeave = onLeave
        self.onConnect = onConnect
    }

    /// Connections with a login, and how many of them want news.
    package var counts: (connections: Int, listeners: Int) {
        state.withLock { state in (state.entries.count, state.listeners.values.reduce(0, +)) }
    }

    /// Connections with a login by the name of their protocol.
    package var connectionsByProtocol: [String: Int] { state.withLock { $0.protocols } }

    var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    /// Notes that a connection works for an account, so that a revoked session reaches it.
    ///
    /// Repeats are free.
    package func attach(_ connection: any LiveConnection, principal: Principal, wantsNews: Bool) {
        let (isFirst, previous, announcement) = state.withLock { state in
            let key = ObjectIdentifier(connection)
            let previous = Self.remove(key, from: &state)
            let entry = Entry(
                user: principal.user, session: principal.session, expires: principal.expires, connection: connection,
                wantsNews: wantsNews)
            state.entries[key] = entry
            state.firstExpiry = min(state.firstExpiry, principal.expires)
            state.ofUser[principal.user, default: []].insert(key)
            state.protocols[connection.protocolName, default: 0] += 1
            if wantsNews {
                state.listeners[principal.user, default: 0] += 1
                state.audiences.add(entry)
            }
            let isFirst = state.ofUser[principal.user]?.count == 1 && previous?.user != principal.user
            let isTold = wantsNews && previous?.wantsNews != true
            return (isFirst, previous, isTold ? state.announcement : nil)
        }
        if let announcement { connection.announced(announcement) }
        if previous == nil { onConnect(connection.protocolName, principal) }
        if previous?.session != principal.session {
            onJoin(principal.session)
            if let previous, !isConnected(previous.user, session: previous.session) {
                onLeave(previous.session, previous.user)
            }
        }
        if let previous, previous.user != principal.user {
            presence.unwatch(ObjectIdentifier(connection))
            if !isConnected(previous.user) { presence.changed(previous.user) }
        }
        if isFirst { presence.changed(principal.user) }
    }

    /// Tells everybody who is connected or will be what the operator announces; `nil` ends that for those who come.
    func announce(_ message: String?) {
        let listeners = state.withLock { state in
            state.announcement = message
            return message == nil ? [] : state.entries.values.filter(\.wantsNews).map(\.connection)
        }
        guard let message else { return }
        for listener in listeners { listener.announced(message) }
    }

    /// Forgets a connection.
    package func detach(_ connection: any LiveConnection) {
        let (entry, isLast) = state.withLock { state -> (Entry?, Bool) in
            let entry = Self.remove(ObjectIdentifier(connection), from: &state)
            return (entry, entry.map { state.ofUser[$0.user] == nil } ?? false)
        }
        presence.unwatch(ObjectIdentifier(connection))
        guard let entry else { return }
        if !isConnected(entry.user, session: entry.session) { onLeave(entry.session, entry.user) }
        if isLast { presence.changed(entry.user) }
    }

    @discardableResult
    private static func remove(_ key: ObjectIdentifier, from state: inout State) -> Entry? {
        guard let old = state.entries.removeValue(forKey: key) else { return nil }
        state.ofUser[old.user]?.remove(key)
        if state.ofUser[old.user]?.isEmpty == true { state.ofUser[old.user] = nil }
        let name = old.connection.protocolName
        state.protocols[name, default: 1] -= 1
        if state.protocols[name] == 0 { state.protocols[name] = nil }
        if old.wantsNews {
            state.listeners[old.user, default: 1] -= 1
            if state.listeners[old.user] == 0 { state.listeners[old.user] = nil }
            state.audiences.remove(old)
        }
        return old
    }

    // MARK: Delivery

    /// Who gets the messages of a flow live; `nil` if its members must be read first.
    func audience(of flow: FlowAccess) -> Audience? {
        state.withLock { state in flow.isPublic ? state.audiences.everybody : state.audiences.known(flow.id) }
    }

    /// The same for a private flow whose members were read.
    func audience(of flow: FlowID, members: Set<UserID>) -> Audience {
        state.withLock { state in
            var entries: [Entry] = []
            if members.count <= state.listeners.count {
                for member in members where state.listeners[member] != nil {
                    entries += Self.listeners(of: member, in: state)
                }
            } else {
                for user in state.listeners.keys where members.contains(user) {
                    entries += Self.listeners(of: user, in: state)
                }
            }
            return state.audiences.make(for: flow, members: members, of: entries)
        }
    }

    /// Keeps the audiences true to the log: to be called with each event in its order, also while no connection
    /// listens.
    ///
    /// - Returns: Who listened to a flow that the event deleted.
    @discardableResult
    func follow(_ event: LogEvent) -> Audience? {
        switch (event.kind, event.flow, event.subject) {
        case (.join, let flow?, let user?):
            state.withLock { state in
                let entries = Self.listeners(of: UserID(user), in: state)
                state.audiences.join(UserID(user), to: flow, with: entries)
            }
        case (.leave, let flow?, let user?):
            state.withLock { state in
                let entries = Self.listeners(of: UserID(user), in: state)
                state.audiences.leave(UserID(user), from: flow, with: entries)
            }
        case (.flow, nil, let deleted?):
            return state.withLock { state in
                defer { state.audiences.forget(FlowID(deleted)) }
                return state.audiences.known(FlowID(deleted))
            }
        default: break
        }
        return nil
    }

    /// Forgets all audiences: some of the log was not followed.
    func forgetAudiences() {
        state.withLock { $0.audiences.forgetFlows() }
    }

    private static func listeners(of user: UserID, in state: State) -> [Entry] {
        (state.ofUser[user] ?? []).compactMap { state.entries[$0] }.filter(\.wantsNews)
    }

    /// The listeners of an account.
    func listeners(of user: UserID) -> Audience {
        state.withLock { state in
            var audience = Audience()
            for entry in Self.listeners(of: user, in: state) {
                let address = entry.connection.address
                audience.lists.append((address.sink, [address.connection]))
            }
            return audience
        }
    }

    /// Every listener.
    var everybody: Audience { state.withLock { $0.audiences.everybody } }

    /// The listeners that are shown accounts.
    var accountListeners: Audience {
        var audience = everybody
        audience.lists.removeAll { !$0.sink.showsAccounts }
        return audience
    }

    /// Tells every listener to read the log.
    func hintEverybody() {
        everybody.hint()
    }

    // MARK: Watching

    /// An account's contacts changed: those of its connections that watch them follow.
    func contactChanged(_ event: LogEvent) {
        guard let user = event.subject, let value = try? JSONValue.parse(event.content),
            let contact = value["contact"]?.int
        else { return }
        let connections = connections(of: UserID(user)).map(\.1).filter(\.watchesContacts)
        for connection in connections {
            if value["added"]?.bool == true {
                presence.watch(connection, [UserID(contact)])
            } else {
                presence.unwatch(connection, UserID(contact))
            }
        }
    }

    // MARK: Sessions

    /// The connections of an account with the session each works for.
    func connections(of user: UserID) -> [(SessionID, any LiveConnection)] {
        state.withLock { state in
            (state.ofUser[user] ?? []).compactMap { state.entries[$0] }.map { ($0.session, $0.connection) }
        }
    }

    /// The connections whose session has expired by `time`, when there is a new one among them.
    func expired(at time: Timestamp) -> [(SessionID, any LiveConnection)] {
        state.withLock { state in
            guard state.firstExpiry <= time else { return [] }
            state.firstExpiry = Timestamp(milliseconds: .max)
            var expired: [(SessionID, any LiveConnection)] = []
            for entry in state.entries.values {
                if entry.expires <= time {
                    expired.append((entry.session, entry.connection))
                } else {
                    state.firstExpiry = min(state.firstExpiry, entry.expires)
                }
            }
            return expired
        }
    }

    /// The accounts that are connected here.
    var connectedUsers: [UserID] { state.withLock { Array($0.ofUser.keys) } }

    /// The sessions that have a connection now.
    package var connectedSessions: Set<SessionID> {
        state.withLock { Set($0.entries.values.map(\.session)) }
    }

    /// Whether an account has a live connection.
    package func isConnected(_ user: UserID) -> Bool {
        state.withLock { $0.ofUser[user] != nil }
    }

    /// Whether a session has a live connection.
    package func isConnected(_ user: UserID, session: SessionID) -> Bool {
        state.withLock { state in
            (state.ofUser[user] ?? []).contains { state.entries[$0]?.session == session }
        }
    }
}

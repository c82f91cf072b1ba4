// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Credentials
import Storage
import Synchronization

/// What `Chat` remembers of sessions and flows so that a message costs no read.
///
/// An entry goes when an event of the log makes it untrue, before that event's write is answered. A read that was under
/// way meanwhile is not remembered: `generation` tells. Each kind holds so many bytes at most, and forgets first what
/// was not used for longest.
final class AccessCache: Sendable {
    private struct KnownChat {
        var id: FlowID
        var uuid: Identifier
    }

    private struct KnownFlow {
        var access: FlowAccess
        /// The last of its events that is in it.
        var head: Position
    }

    private struct State {
        var generation = 0
        var sessions: RecentlyUsed<TokenHash, Principal>
        var tokensOfUser: [UserID: Set<TokenHash>] = [:]
        var flows: RecentlyUsed<FlowID, KnownFlow>
        var flowIDs: [Identifier: FlowID] = [:]
        /// The chat of two people, and of which two it is.
        var chats: RecentlyUsed<UserPair, KnownChat>
        var pairs: [FlowID: UserPair] = [:]

        mutating func drop(_ token: TokenHash, of user: UserID) {
            tokensOfUser[user]?.remove(token)
            if tokensOfUser[user]?.isEmpty == true { tokensOfUser[user] = nil }
        }
    }

    /// How many bytes each kind may take.
    struct Room {
        var sessions = 32 << 20
        var flows = 128 << 20
        var chats = 32 << 20
    }

    /// About what an entry takes with its places in the tables beside.
    private static let sessionBytes = 320
    private static let chatBytes = 300

    private let state: Mutex<State>

    init(room: Room = Room()) {
        state = Mutex(
            State(
                sessions: RecentlyUsed(capacity: room.sessions), flows: RecentlyUsed(capacity: room.flows),
                chats: RecentlyUsed(capacity: room.chats)))
    }

    /// What is held now, in bytes, for tests.
    var bytes: Int { state.withLock { $0.sessions.cost + $0.flows.cost + $0.chats.cost } }

    /// To be taken before a read whose result is to be remembered.
    var generation: Int { state.withLock { $0.generation } }

    func principal(_ token: TokenHash) -> Principal? {
        state.withLock { $0.sessions.value(for: token) }
    }

    func remember(_ principal: Principal, for token: TokenHash, readAt generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            state.tokensOfUser[principal.user, default: []].insert(token)
            for evicted in state.sessions.set(principal, for: token, cost: Self.sessionBytes) {
                state.drop(evicted.key, of: evicted.value.user)
            }
        }
    }

    func flow(uuid: Identifier) -> FlowAccess? {
        state.withLock { state in state.flowIDs[uuid].flatMap { state.flows.value(for: $0)?.access } }
    }

    func flow(_ id: FlowID) -> FlowAccess? {
        state.withLock { $0.flows.value(for: id)?.access }
    }

    func chat(of pair: UserPair) -> Identifier? {
        state.withLock { $0.chats.value(for: pair)?.uuid }
    }

    func remember(_ chat: FlowRecord, of pair: UserPair) {
        state.withLock { state in
            state.pairs[chat.id] = pair
            let known = KnownChat(id: chat.id, uuid: chat.uuid)
            for evicted in state.chats.set(known, for: pair, cost: Self.chatBytes) {
                state.pairs[evicted.value.id] = nil
            }
        }
    }

    /// Remembers a flow as it was when the event at `head` had happened.
    func remember(_ flow: FlowAccess, at head: Position, readAt generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            state.flowIDs[flow.uuid] = flow.id
            for evicted in state.flows.set(KnownFlow(access: flow, head: head), for: flow.id, cost: Self.cost(of: flow))
            {
                state.flowIDs[evicted.value.access.uuid] = nil
            }
        }
    }

    /// Its title and members, and about what the entries of the tables take.
    private static func cost(of flow: FlowAccess) -> Int {
        400 + flow.title.utf8.count + 24 * flow.members.count
    }

    /// Forgets what these events made untrue.
    func invalidate(by events: [LogEvent]) {
        for event in events {
            switch event.kind {
            case .message, .edit, .deletion, .contact, .key, .admin, .invite: continue
            case .session where event.content == LogEvent.sessionOpened: continue
            case .session, .user: if let user = event.subject { forget(UserID(user)) }
            case .join, .leave: follow(event)
            case .flow:
                if let flow = event.flow?.rawValue ?? event.subject { forget(FlowID(flow)) }
            }
        }
    }

    /// An account became a member of a flow or ceased to be one: what is known of it is changed, not read again.
    private func follow(_ event: LogEvent) {
        guard let id = event.flow, let user = event.subject.map({ UserID($0) }) else { return }
        state.withLock { state in
            // A read that is under way may not have seen it.
            state.generation += 1
            let cost = state.flows.update(id) { known in
                guard event.position > known.head else { return Self.cost(of: known.access) }
                known.head = event.position
                if event.kind == .join {
                    known.access.members.insert(user)
                } else {
                    known.access.members.remove(user)
                }
                return Self.cost(of: known.access)
            }
            guard let cost else { return }
            for evicted in state.flows.setCost(cost, of: id) { state.flowIDs[evicted.value.access.uuid] = nil }
        }
    }

    private func forget(_ user: UserID) {
        forget(CollectionOfOne(user))
    }

    /// Forgets the sessions of accounts.
    func forget(_ users: some Collection<UserID>) {
        guard !users.isEmpty else { return }
        state.withLock { state in
            state.generation += 1
            for user in users {
                for token in state.tokensOfUser.removeValue(forKey: user) ?? [] { state.sessions.remove(token) }
            }
        }
    }

    func forgetSessions() {
        state.withLock { state in
            state.generation += 1
            state.sessions.removeAll()
            state.tokensOfUser.removeAll()
        }
    }

    private func forget(_ flow: FlowID) {
        state.withLock { state in
            state.generation += 1
            if let known = state.flows.remove(flow) { state.flowIDs[known.access.uuid] = nil }
            if let pair = state.pairs.removeValue(forKey: flow) { state.chats.remove(pair) }
        }
    }

    /// Forgets everything, also what is being read.
    func forgetAll() {
        state.withLock { state in
            state.generation += 1
            state.sessions.removeAll()
            state.tokensOfUser = [:]
            state.flows.removeAll()
            state.flowIDs = [:]
            state.chats.removeAll()
            state.pairs = [:]
        }
    }

    /// The wall clock has passed an entry's end.
    func forget(_ token: TokenHash) {
        state.withLock { state in
            guard let principal = state.sessions.remove(token) else { return }
            state.drop(token, of: principal.user)
        }
    }
}

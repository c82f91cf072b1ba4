// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Storage
import Synchronization

/// What `Chat` remembers of sessions and flows so that a message costs no read.
///
/// An entry goes when an event of the log makes it untrue, before that event's write is answered. A read that was under way
/// meanwhile is not remembered: `generation` tells.
final class AccessCache: Sendable {
    private struct State {
        var generation = 0
        var sessions: [TokenHash: Asker] = [:]
        var tokensOfUser: [UserID: Set<TokenHash>] = [:]
        var flows: [FlowID: FlowAccess] = [:]
        var flowIDs: [Identifier: FlowID] = [:]
        /// The chat of two people; it may have been deleted since.
        var chats: [UserPair: Identifier] = [:]
    }

    /// Entries of each kind; when full, all of that kind are dropped and read again when needed.
    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    /// To be taken before a read whose result is to be remembered.
    var generation: Int { state.withLock { $0.generation } }

    func asker(_ token: TokenHash) -> Asker? {
        state.withLock { $0.sessions[token] }
    }

    func remember(_ asker: Asker, for token: TokenHash, readAt generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.sessions.count >= capacity {
                state.sessions.removeAll()
                state.tokensOfUser.removeAll()
            }
            state.sessions[token] = asker
            state.tokensOfUser[asker.user, default: []].insert(token)
        }
    }

    func flow(uuid: Identifier) -> FlowAccess? {
        state.withLock { state in state.flowIDs[uuid].flatMap { state.flows[$0] } }
    }

    func flow(_ id: FlowID) -> FlowAccess? {
        state.withLock { $0.flows[id] }
    }

    func chat(of pair: UserPair) -> Identifier? {
        state.withLock { $0.chats[pair] }
    }

    func remember(_ chat: Identifier, of pair: UserPair) {
        state.withLock { state in
            if state.chats.count >= capacity { state.chats.removeAll() }
            state.chats[pair] = chat
        }
    }

    func remember(_ flow: FlowAccess, readAt generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.flows.count >= capacity {
                state.flows.removeAll()
                state.flowIDs.removeAll()
            }
            state.flows[flow.id] = flow
            state.flowIDs[flow.uuid] = flow.id
        }
    }

    /// Forgets what these events made untrue.
    func invalidate(by events: [LogEvent]) {
        for event in events {
            switch event.kind {
            case .message, .edit, .deletion, .contact, .key, .admin, .invite: continue
            case .session where event.content == LogEvent.sessionOpened: continue
            case .session, .user: if let user = event.subject { forget(UserID(user)) }
            case .flow, .join, .leave:
                if let flow = event.flow?.rawValue ?? event.subject { forget(FlowID(flow)) }
            }
        }
    }

    private func forget(_ user: UserID) {
        state.withLock { state in
            state.generation += 1
            for token in state.tokensOfUser.removeValue(forKey: user) ?? [] { state.sessions[token] = nil }
        }
    }

    private func forget(_ flow: FlowID) {
        state.withLock { state in
            state.generation += 1
            if let known = state.flows.removeValue(forKey: flow) { state.flowIDs[known.uuid] = nil }
        }
    }

    /// The wall clock has passed an entry's end.
    func forget(_ token: TokenHash) {
        state.withLock { state in
            guard let asker = state.sessions.removeValue(forKey: token) else { return }
            state.tokensOfUser[asker.user]?.remove(token)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Where a session has a connection.
package enum SessionPlace: Sendable, Equatable {
    /// On the server of that name.
    case node(String)
    /// Nowhere.
    case offline
    /// Its server has fallen silent.
    case unknown
}

extension Chat {
    /// All servers in the list, by number, silent ones too.
    package func serverNodes() async throws(ChatError) -> [ServerNode] {
        try await reading { try await storage.nodes() }.map(ServerNode.init)
    }

    /// Where these sessions have a connection; what another server has noted comes with a delay of seconds.
    package func places(of sessions: [SessionRecord]) async throws(ChatError) -> [SessionPlace] {
        let nodes = Dictionary(try await serverNodes().map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        let own = policy.node.id
        return sessions.map { session in
            if hub.isConnected(session.user, session: session.id) { return .node(nodes[own]?.name ?? "this server") }
            // No other server has a store that is not shared.
            guard policy.sharesStore, session.node != .unknown, session.node != own, let node = nodes[session.node]
            else { return .offline }
            return node.isSilent ? .unknown : .node(node.name)
        }
    }

    /// How long a server must be silent before what ended with its connections is ended.
    ///
    /// Much longer than `ServerNode.silenceLimit`: a server that comes back has its clients connect anew.
    private static let abandonedAfter = Duration.seconds(60)
    private static let abandonedAtOnce = 200

    /// Ends sessions that cannot be resumed and whose server died with their connections.
    package func endAbandonedSessions() async throws(ChatError) {
        while true {
            let sessions = try await reading {
                try await storage.abandonedSessions(
                    besides: policy.node.id, silentFor: policy.sharesStore ? Self.abandonedAfter : .zero,
                    limit: Self.abandonedAtOnce)
            }
            var pending: [PendingWrite<Void>] = []
            for (user, session) in sessions { pending.append(try submit(Write.RevokeSessions(user, session), by: nil)) }
            for write in pending {
                // Another server may have been faster.
                do { _ = try await receipt(of: write) } catch .tokenUnknown {}
            }
            if sessions.count < Self.abandonedAtOnce { return }
        }
    }
}

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
        try await reading { () async throws(StorageError) in try await storage.nodes() }.map(ServerNode.init)
    }

    /// Where these sessions have a connection; what another server has noted comes with a delay of seconds.
    package func places(of sessions: [SessionRecord]) async throws(ChatError) -> [SessionPlace] {
        let nodes = Dictionary(try await serverNodes().map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        let own = policy.node.id
        return sessions.map { session in
            if hub.isConnected(session.user, session: session.id) { return .node(nodes[own]?.name ?? "this server") }
            // Nobody else has a store that is not shared.
            guard policy.sharesStore, session.node != .unknown, session.node != own, let node = nodes[session.node]
            else { return .offline }
            return node.isSilent ? .unknown : .node(node.name)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// The rule by which clients are spread over the servers.
///
/// It reads no clock and draws no lots of its own.
package struct NodeChooser: Sendable {
    /// How a server is chosen.
    package enum Algorithm: Sendable, CaseIterable {
        /// One after the other, by number.
        case roundRobin
        /// The one with the fewest clients; one of them by lot when several have the fewest.
        case minimumConnect
        /// Any, by lot.
        case random
    }

    /// How it chooses.
    package let algorithm: Algorithm
    private var last = NodeID.unknown
    /// When clients were sent to a server, the earliest first, as far as its last heartbeat cannot count them.
    private var assignments: [NodeID: [ContinuousClock.Instant]] = [:]

    /// A rule that has chosen nothing yet.
    package init(_ algorithm: Algorithm) {
        self.algorithm = algorithm
    }

    /// Chooses a server for one client more.
    ///
    /// Never one that is draining or in maintenance, or whose heartbeat is older than `ServerNode.silenceLimit`.
    ///
    /// - Returns: `nil` when there is none.
    package mutating func choose(
        among nodes: [ServerNode], readAt time: ContinuousClock.Instant, now: ContinuousClock.Instant,
        offering name: String?, using random: inout some RandomNumberGenerator
    ) -> ServerNode? {
        let waited = time.duration(to: now)
        let fit = nodes.filter { node in
            !node.isDraining && node.mode != .maintenance && node.age + waited <= ServerNode.silenceLimit
                && name.map { node.endpoints[$0] != nil } ?? true
        }.sorted { $0.id < $1.id }
        forgetCounted(by: nodes, readAt: time)
        let chosen: ServerNode?
        switch algorithm {
        case .roundRobin: chosen = fit.first { $0.id > last } ?? fit.first
        case .random: chosen = fit.randomElement(using: &random)
        case .minimumConnect:
            let loads = fit.map { $0.clients + (assignments[$0.id]?.count ?? 0) }
            let fewest = loads.min()
            chosen = zip(fit, loads).filter { $0.1 == fewest }.randomElement(using: &random)?.0
        }
        if let chosen {
            last = chosen.id
            if algorithm == .minimumConnect { assignments[chosen.id, default: []].append(now) }
        }
        return chosen
    }

    /// Clients sent to a server before its last heartbeat are among those that it counted.
    private mutating func forgetCounted(by nodes: [ServerNode], readAt time: ContinuousClock.Instant) {
        guard !assignments.isEmpty else { return }
        let heartbeats = Dictionary(nodes.map { ($0.id, time - $0.age) }, uniquingKeysWith: max)
        for (node, times) in assignments {
            guard let heartbeat = heartbeats[node] else {
                assignments[node] = nil
                continue
            }
            if let first = times.first, first < heartbeat {
                assignments[node] = Array(times.drop { $0 < heartbeat })
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Operations
import Settings

/// The check `cluster`: the servers that share the database can be told apart.
enum ClusterCheck {
    /// Looks at the list of servers.
    static func examine(_ settings: Settings) async -> DoctorCheck {
        // A check makes no key file, which opening the store for work would.
        let report = try? await OperationRunner(settings: settings).withCaller(needsCurrentSchema: false) { caller in
            try await caller.run(ListNodes())
        }
        guard let nodes = report?.nodes else {
            return DoctorCheck(.cluster, "The list of servers cannot be read.")
        }
        let living = nodes.filter { $0.status != .silent }
        return DoctorCheck(.cluster, summary(of: living), findings: findings(living.map(\.name)))
    }

    /// How many servers are running, and how many of them are restricted by their mode.
    static func summary(of living: [NodeReport]) -> String {
        let count = living.count == 1 ? "1 server is running" : "\(living.count) servers are running"
        let modes: [(ServiceMode, words: String)] = [(.readOnly, "read-only"), (.maintenance, "in maintenance")]
        let restricted = modes.compactMap { mode, words in
            let number = living.count { $0.mode == mode }
            return number > 0 ? "\(number) \(words)" : nil
        }
        return ([count] + restricted).joined(separator: ", ") + "."
    }

    /// What it means that servers have these names.
    static func findings(_ names: [String]) -> [SettingsFinding] {
        let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
        return counts.filter { $0.value > 1 }.sorted { $0.key < $1.key }.map { name, count in
            SettingsFinding(
                .serversShareName, .warning, key: SettingKey.clusterNode.path,
                message: "\(count) running servers are called '\(name)'.",
                remedy: "Give each another [CLUSTER] NODE: 'manage node drain' cannot tell them apart by name.")
        }
    }
}

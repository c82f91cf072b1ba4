// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `node.list`: the servers that share the database, by number, silent ones too.
package struct ListNodes: AdminOperation {
    /// What `node.list` tells.
    package struct Report: Codable, Sendable {
        /// The servers.
        package var nodes: [NodeReport]
    }

    package static let name = "node.list"
    package static let summary = "List the servers that share the database."
    package static let access = OperationActor.Scope.read

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let nodes = try await context.asking { try await $0.serverNodes() }
        return Report(nodes: nodes.map(NodeReport.init))
    }
}

/// `node.drain`: sends no new clients to a server; those that it has stay.
///
/// It holds until the server is resumed or starts anew.
package struct DrainNode: AdminOperation {
    package static let name = "node.drain"
    package static let summary = "Send no new clients to a server."
    package static let access = OperationActor.Scope.write

    /// The server's name or number.
    package var node: String

    package init(node: String) {
        self.node = node
    }

    package var target: String? { node }

    package func run(on context: OperationContext) async throws(OperationError) -> NodeReport {
        try await context.setDraining(node, true)
    }
}

/// `node.resume`: sends new clients to a server again.
package struct ResumeNode: AdminOperation {
    package static let name = "node.resume"
    package static let summary = "Send new clients to a server again."
    package static let access = OperationActor.Scope.write

    /// The server's name or number.
    package var node: String

    package init(node: String) {
        self.node = node
    }

    package var target: String? { node }

    package func run(on context: OperationContext) async throws(OperationError) -> NodeReport {
        try await context.setDraining(node, false)
    }
}

extension OperationContext {
    fileprivate func setDraining(_ word: String, _ isDraining: Bool) async throws(OperationError) -> NodeReport {
        var node = try await node(word)
        let id = node.id
        let isThere = try await recording(
            on: node.name, isChange: { $0 },
            { note throws(OperationError) in
                try await reading { try await $0.setDraining(id, isDraining, audit: note) }
            })
        guard isThere else {
            throw OperationError(
                .notFound, "The server '\(word)' has just left.", nextStep: "List them with 'manage node list'.")
        }
        await heartbeat()
        node.isDraining = isDraining
        return NodeReport(node)
    }
}

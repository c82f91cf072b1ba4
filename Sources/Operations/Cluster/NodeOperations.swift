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
/// It holds until the server is resumed or starts anew. Its clients can be told, at once, of what is to come.
package struct DrainNode: AdminOperation {
    package static let name = "node.drain"
    package static let summary = "Send no new clients to a server, now or after a time, and tell those that it has."
    package static let access = OperationActor.Scope.write

    /// The server's name or number.
    package var node: String
    /// What its clients are told now, at most 500 bytes on one line.
    package var message: String?
    /// After how many seconds it begins, at most a day; at once unless given.
    package var seconds: Int64?

    /// The latest begin in seconds: a day.
    private static let maximumSeconds: Int64 = 86_400
    private static let messageBytes = 500

    package init(node: String, message: String? = nil, seconds: Int64? = nil) {
        self.node = node
        self.message = message
        self.seconds = seconds
    }

    package var target: String? { node }

    package func run(on context: OperationContext) async throws(OperationError) -> NodeReport {
        if message == nil, seconds == nil {
            return try await context.change(node) { storage, id, note throws(StorageError) in
                try await storage.setDraining(id, true, audit: note)
            }
        }
        let (message, seconds) = (message ?? "", seconds ?? 0)
        guard (0...Self.maximumSeconds).contains(seconds) else {
            throw OperationError(.invalid, "A drain begins after at most a day, 86400 seconds, not after \(seconds).")
        }
        try context.check(message, "message", limit: Self.messageBytes)
        let isLine = message.unicodeScalars.allSatisfy {
            ![.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        guard isLine else {
            throw OperationError(
                .invalid, "The message has a control character, such as a line break.", nextStep: "Write one line.")
        }
        return try await context.change(node) { storage, id, note throws(StorageError) in
            try await storage.announceDraining(of: id, after: .seconds(seconds), message: message, audit: note)
        }
    }
}

/// `node.resume`: sends new clients to a server again; a drain that was announced does not begin.
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
        try await context.change(node) { storage, id, note throws(StorageError) in
            try await storage.setDraining(id, false, audit: note)
        }
    }
}

extension OperationContext {
    /// Changes the row of a server, has it noticed, and tells what the row says then.
    fileprivate func change(
        _ word: String, _ body: (Storage, NodeID, AuditNote?) async throws(StorageError) -> Bool
    ) async throws(OperationError) -> NodeReport {
        let node = try await node(word)
        let isThere = try await recording(
            on: node.name, isChange: { $0 },
            { note throws(OperationError) in
                try await reading { try await body($0, node.id, note) }
            })
        let changed = isThere ? try await asking { try await $0.serverNodes() }.first { $0.id == node.id } : nil
        guard let changed else {
            throw OperationError(
                .notFound, "The server '\(word)' has just left.", nextStep: "List them with 'manage node list'.")
        }
        await heartbeat()
        return NodeReport(changed)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
package import Chat
import Storage

/// A server among those that share the database, as administrators see it.
package struct NodeReport: Codable, Sendable, Equatable {
    /// What a server does with clients.
    package enum Status: String, Codable, Sendable, CaseIterable {
        /// It takes new ones, unless its mode is maintenance.
        case serving
        /// It keeps those that it has.
        case draining
        /// It has not been heard of for more than 10 seconds: gone, or cut off from the database.
        case silent
    }

    /// Its number; a server that starts anew gets another one.
    package var id: Int64
    /// `[CLUSTER] NODE`.
    package var name: String
    /// What it does with clients.
    package var status: Status
    /// What it does for people.
    package var mode: ServiceMode
    /// When it begins to drain, if that was announced, as RFC 3339 writes it.
    package var drainsAt: String?
    /// What its clients were told of that.
    package var message: String?
    /// Open connections at the last heartbeat, logged in or not, pages of the panel among them.
    package var clients: Int
    /// How long ago the last heartbeat was, in milliseconds.
    package var heartbeatAge: Int64
    /// When it started, as RFC 3339 writes it.
    package var started: String
    /// Where clients reach it, by the name of the protocol.
    package var addresses: [String: String]

    private enum CodingKeys: String, CodingKey {
        case id, name, status, mode, drainsAt, message, clients
        case heartbeatAge = "heartbeatAgeMs"
        case started, addresses
    }

    init(_ node: ServerNode) {
        id = node.id.rawValue
        name = node.name
        status = node.isSilent ? .silent : node.isDraining ? .draining : .serving
        mode = node.mode
        if let announcement = node.announcement {
            drainsAt = announcement.time.text
            if !announcement.message.isEmpty { message = announcement.message }
        }
        clients = node.clients
        heartbeatAge = node.age.wholeMilliseconds
        started = node.started.text
        addresses = node.endpoints
    }
}

extension OperationContext {
    /// A server by its name or number; of several of a name the one that lives.
    ///
    /// - Throws: `.notFound`; `.invalid` when several that live have the name.
    func node(_ word: String) async throws(OperationError) -> ServerNode {
        let nodes = try await asking { try await $0.serverNodes() }
        let named = nodes.filter { $0.name.utf8.elementsEqual(word.utf8) }
        let living = named.filter { !$0.isSilent }
        if living.count > 1 {
            let numbers = living.map { "\($0.id.rawValue)" }.joined(separator: ", ")
            throw OperationError(
                .invalid, "Several servers are called '\(word)': \(numbers).", nextStep: "Give the number of one.")
        }
        if let node = living.first ?? named.last { return node }
        if let number = Int64(word), let node = nodes.first(where: { $0.id == NodeID(number) }) { return node }
        throw OperationError(
            .notFound, "No server is called '\(word)'.", nextStep: "List them with 'manage node list'.")
    }
}

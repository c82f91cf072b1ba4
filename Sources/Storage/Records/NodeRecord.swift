// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A node's row number; a number is never given to a second node.
package struct NodeID: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    /// No node, or one that is not known.
    package static let unknown = NodeID(0)
}

/// What a node says of itself when it starts.
package struct NewNode: Sendable {
    /// For people.
    package var name: String
    /// Where it is reached; its form is the caller's.
    package var address: String
    /// What it serves and where, as JSON text; its form is the caller's.
    package var protocols: String
    /// What it does for people, until it ends: `normal`, `read-only` or `maintenance`.
    package var mode: String

    package init(name: String, address: String, protocols: String = "{}", mode: String = "normal") {
        self.name = name
        self.address = address
        self.protocols = protocols
        self.mode = mode
    }
}

/// A node of the cluster as its last heartbeat left it.
package struct NodeRecord: Sendable, Equatable {
    package var id: NodeID
    package var name: String
    package var address: String
    package var protocols: String
    /// What it does for people: `normal`, `read-only` or `maintenance`.
    package var mode: String
    /// By the database's clock, as the age is.
    package var started: Timestamp
    /// Since the last heartbeat.
    package var ageMilliseconds: Int64
    /// Gets no new clients.
    package var isDraining: Bool
    /// What was announced of its draining, before and after it began.
    package var announcement: NodeAnnouncement?
    /// Open connections at the last heartbeat.
    package var clients: Int64
}

/// What people are told of a node's draining.
package struct NodeAnnouncement: Sendable, Equatable {
    /// When the node is drained, by the database's clock.
    package var time: Timestamp
    /// What its clients are told; nothing when it is empty.
    package var message: String

    package init(time: Timestamp, message: String) {
        self.time = time
        self.message = message
    }
}

/// What a heartbeat brings back.
package struct NodeHeartbeat: Sendable, Equatable {
    /// The operator has asked for this node to be drained, and that time has come.
    package var isDraining: Bool
    /// What was announced of it.
    package var announcement: NodeAnnouncement?

    package init(isDraining: Bool, announcement: NodeAnnouncement? = nil) {
        self.isDraining = isDraining
        self.announcement = announcement
    }
}

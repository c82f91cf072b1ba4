// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A protocol that a conversation can be held over.
package enum WireProtocol: String, CaseIterable, Codable, Sendable {
    case mtp, skaro, messenger, fastchat

    /// Whether it has a port of its own instead of a path on the server's.
    package var hasOwnPort: Bool { self == .messenger || self == .fastchat }
}

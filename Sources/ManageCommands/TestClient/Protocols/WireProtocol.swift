// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A protocol that the commands of `testclient` speak.
enum WireProtocol: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
    case mtp, skaro, messenger, fastchat

    /// Whether it has a port of its own instead of a path on the server's.
    var hasOwnPort: Bool { self == .messenger || self == .fastchat }
}

/// Which protocols `testclient session` walks through.
enum WireProtocolChoice: String, CaseIterable, Sendable, ExpressibleByArgument {
    case mtp, skaro, messenger, fastchat, all

    /// The one that is named; `nil` for all of them.
    var one: WireProtocol? { WireProtocol(rawValue: rawValue) }
}

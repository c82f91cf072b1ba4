// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat

/// What the home page tells about the server.
package struct ServerStatus: Sendable {
    /// The name that the operator gave the server.
    package var name: String
    /// The version of the program.
    package var version: String
    /// What the server does for people.
    package var mode: ServiceMode
    /// How long the server has been running.
    package var uptime: Duration
    /// What clients can speak, and where: `("MTP", "ws://chat.example:8080/ws")`.
    package var protocols: [(name: String, address: String)]
    /// How many accounts there are.
    package var users: Int
    /// How many flows there are.
    package var flows: Int
    /// How many messages there are.
    package var messages: Int

    /// Creates a status; everything in it is public.
    package init(
        name: String,
        version: String,
        mode: ServiceMode = .normal,
        uptime: Duration,
        protocols: [(name: String, address: String)],
        users: Int,
        flows: Int,
        messages: Int
    ) {
        self.name = name
        self.version = version
        self.mode = mode
        self.uptime = uptime
        self.protocols = protocols
        self.users = users
        self.flows = flows
        self.messages = messages
    }
}

/// One thing that must be in order before the server can serve.
package struct ReadinessCheck: Sendable {
    /// A short, stable name that every stranger may read: `database`, `disk`.
    package var name: String
    /// Whether it is in order.
    package var isPassed: Bool
    /// What is the matter, for the log; `/readyz` never shows it.
    package var detail: String?

    package init(name: String, isPassed: Bool, detail: String? = nil) {
        self.name = name
        self.isPassed = isPassed
        self.detail = detail
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import Logging
import NIOCore
import Storage
package import Transport

/// The protocol as the settings want it: what all connections share.
package struct SkaroService: Sendable {
    /// The limits of `[SERVER_LIMIT]` and `[SKARO]`.
    package struct Options: Sendable {
        /// The most messages that one answer to `get_history` holds.
        package var messagesPerAnswer = 100
        /// The longest message of a connection that is logged in.
        package var frameBytes = 16 << 20
        /// How long after its connection broke a session can be restored (`[SKARO] RESTORE_SECONDS`).
        package var restoreSeconds: Int64 = 300
        /// Requests of one connection in flight.
        package var requestsInFlight = 32

        package init() {}
    }

    /// Where skaro is served.
    package static let path = "/skaro"
    /// The protocol's name in sessions.
    package static let name = "skaro"

    let chat: Chat
    let options: Options
    let logger: Logger
    let inboundBudget: InboundBudget
    /// What is told of the requests.
    let requests: RequestLog
    /// The way to the live connections.
    let sink: SkaroSink
    let sessions = SkaroSessions()

    /// Serves `chat` on the connections of `registry`.
    package init(chat: Chat, options: Options, registry: ConnectionRegistry, logger: Logger) {
        self.chat = chat
        sink = SkaroSink(registry: registry) { [weak chat] in chat?.knownPerson($0) }
        inboundBudget = registry.inboundBudget
        requests = RequestLog(protocol: Self.name, logger: logger, count: chat.metrics.requests(over: Self.name).count)
        self.options = options
        self.logger = logger
    }

    /// The listener's route: a session per connection.
    package var route: WebSocketRoute {
        WebSocketRoute(path: Self.path) { handshake in
            SkaroSession(
                service: self,
                origin: Origin(protocol: Self.name, address: handshake.remoteAddress?.ipAddress ?? "unknown"))
        }
    }
}

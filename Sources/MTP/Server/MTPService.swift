// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import Logging
import NIOCore
import Storage
package import Transport

/// The protocol as the settings want it: what all connections share.
package struct MTPService: Sendable {
    /// The limits and versions of `[SERVER_LIMIT]` and `[API_VERSION]`.
    package struct Options: Sendable {
        package var messagesPerAnswer = 100
        package var usersPerAnswer = 100
        /// The longest message of an authenticated connection.
        package var frameBytes = 16 << 20
        /// Requests of one connection in flight.
        package var requestsInFlight = 32
        package var versions: ClosedRange<MTPVersion> = MTPVersion.current...MTPVersion.current

        package init() {}
    }

    /// Where MTP is served.
    package static let path = "/ws"
    /// The protocol's name in sessions.
    package static let name = "mtp"

    let chat: Chat
    let options: Options
    let logger: Logger
    let inboundBudget: InboundBudget
    /// What is told of the requests.
    let requests: RequestLog
    /// The way to the live connections.
    let sink: MTPSink

    /// Serves `chat` on the connections of `registry`.
    package init(chat: Chat, options: Options, registry: ConnectionRegistry, logger: Logger) {
        self.chat = chat
        sink = MTPSink(registry: registry) { chat.currentTime }
        inboundBudget = registry.inboundBudget
        requests = RequestLog(protocol: Self.name, logger: logger, count: chat.metrics.requests(over: Self.name).count)
        self.options = options
        self.logger = logger
    }

    /// The listener's route: a session per connection.
    package var route: WebSocketRoute {
        WebSocketRoute(path: Self.path) { handshake in
            MTPSession(
                service: self,
                origin: Origin(protocol: Self.name, address: handshake.remoteAddress?.ipAddress ?? "unknown"))
        }
    }

    var time: Int64 { chat.currentTime.seconds }
}

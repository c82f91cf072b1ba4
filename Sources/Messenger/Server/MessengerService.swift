// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import Logging
import NIOCore
package import Transport

/// The protocol as the settings want it: what all connections share.
package struct MessengerService: Sendable {
    /// `[MESSENGER]`.
    package struct Options: Sendable {
        /// The pause that ends a request.
        package var gatherTime = Duration.milliseconds(20)
        /// The least time between two units to one client.
        package var spacing = Duration.milliseconds(50)
        /// Whether a key is good on connections other than the one that logged in.
        package var allowsKeyOnAnyConnection = false
        /// What a client may send without a pause.
        package var maximumBytes = MessengerDecoder.standardMaximumBytes
        /// From how many waiting bytes on nothing more is written to a client (`[SERVER_LIMIT] OUTBOUND_BYTES`).
        package var outboundBytes = 1 << 20

        package init() {}
    }

    /// The protocol's name in sessions, and the one device of an account here.
    package static let name = "messenger"

    let chat: Chat
    let options: Options
    let logger: Logger
    /// Who is signed in.
    let keys = MessengerKeys()
    /// The way to the live connections.
    let sink: MessengerSink
    let inboundBudget: InboundBudget
    /// What is told of the requests.
    let requests: RequestLog

    /// Serves `chat` on the connections of `registry`.
    package init(chat: Chat, options: Options, registry: ConnectionRegistry, logger: Logger) {
        self.chat = chat
        self.options = options
        self.logger = logger
        sink = MessengerSink(registry: registry)
        inboundBudget = registry.inboundBudget
        requests = RequestLog(protocol: Self.name, logger: logger, count: chat.metrics.requests(over: Self.name).count)
    }

    /// How a listener treats the connections.
    package var streamOptions: StreamOptions {
        var stream = StreamOptions()
        stream.spacing = TimeAmount(options.spacing)
        stream.outboundBytes = options.outboundBytes
        stream.needsLogIn = true
        return stream
    }

    /// The session of a new connection.
    package func makeSession(_ peer: StreamPeer) -> any StreamSession {
        MessengerSession(
            service: self,
            origin: Origin(
                protocol: Self.name, address: peer.remoteAddress?.ipAddress ?? "unknown", endsWithConnection: true))
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Credentials
package import Logging
import NIOCore
import Storage
package import Transport

/// The protocol as the settings want it: what all connections share.
package struct FastChatService: Sendable {
    /// What `[FASTCHAT]` and `[SERVER_LIMIT]` say.
    package struct Options: Sendable {
        /// Whether the server holds keys for people without a FastChat client (`[FASTCHAT] BRIDGE`).
        package var isBridged = true
        /// The least time between two units to one client (`[FASTCHAT] SPACING_MS`).
        package var spacing = Duration.milliseconds(50)
        /// How many bytes may wait for one client; what comes then stays in the log until it has read them
        /// (`[SERVER_LIMIT] OUTBOUND_BYTES`).
        package var outboundBytes = 1 << 20
        /// How long a connection may take to log in.
        package var logInTimeout = Duration.seconds(60)
        /// The address that the balancer signs for this server, asked at each login.
        ///
        /// While it is `nil` no client can log in: nothing that a client brings could be checked. Default: `nil`.
        package var address: @Sendable () -> (host: String, port: Int)? = { nil }

        package init() {}
    }

    /// The protocol's name: of its sessions, its device and its keys.
    package static let name = "fastchat"

    let chat: Chat
    let options: Options
    let registry: ConnectionRegistry
    let logger: Logger
    /// What is told of the requests.
    let requests: RequestLog
    /// The way to the live connections.
    let sink: FastChatSink
    let knownKeys = FastChatKnownKeys()

    /// Serves `chat` on the connections of `registry`.
    package init(chat: Chat, options: Options, registry: ConnectionRegistry, logger: Logger) {
        self.chat = chat
        self.options = options
        self.registry = registry
        self.logger = logger
        requests = RequestLog(protocol: Self.name, logger: logger, count: chat.metrics.requests(over: Self.name).count)
        sink = FastChatSink(registry: registry)
    }

    /// How the listener is to treat the connections.
    package var streamOptions: StreamOptions {
        var stream = StreamOptions()
        stream.spacing = TimeAmount(options.spacing)
        // The session hands over a unit at a time, and only at the end all that wait.
        stream.outboundBytes = max(options.outboundBytes, 1 << 20) * 2
        return stream
    }

    /// A session for a connection, on its event loop.
    package func makeSession(_ peer: StreamPeer) -> any StreamSession {
        FastChatSession(
            service: self,
            origin: Origin(
                protocol: Self.name, address: peer.remoteAddress?.ipAddress ?? "unknown", endsWithConnection: true))
    }

    /// The time as clients show it.
    var time: String { FastChatTime.text(milliseconds: chat.currentTime.milliseconds) }

    /// Whether the balancer sent a client here.
    ///
    /// - Parameter sign: What the client got from the balancer.
    /// - Returns: Whether it is the balancer's signature of this server's address.
    /// - Throws: `.internalFailure` when the balancer's key cannot be read.
    func isSent(here sign: String) async throws(ChatError) -> Bool {
        guard let address = options.address() else { return false }
        let key: RSAPublicKey
        if let known = knownKeys.balancerKey {
            key = known
        } else {
            key = try await chat.serverKey(FastChatBalancer.keyName).publicKey
            knownKeys.balancerKey = key
        }
        return key.isValid(
            signature: sign, of: FastChatAssignment.signedText(host: address.host, port: address.port))
    }
}

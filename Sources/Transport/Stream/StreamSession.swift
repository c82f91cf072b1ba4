// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What a protocol does with one TCP connection.
///
/// Every call comes on the connection's event loop. A session that gets deliveries of a ``FanOut`` is a
/// ``DeliverySession`` as well.
package protocol StreamSession: ConnectionSession {
    /// The connection is open: the first call, once. Keep `connection` to write to it.
    ///
    /// With TLS its handshake is still to come; what is written leaves after it.
    func opened(_ connection: StreamConnection)

    /// Bytes as one read brought them: any part of a request, or several.
    ///
    /// Decode at once; keep no more of them than the protocol's limit.
    func received(_ bytes: ByteBuffer)

    /// Everything that has arrived by now has been handed over: the place to flush.
    func receivedAll()

    /// The peer has sent nothing for as long as ``StreamConnection/awaitPause(of:)`` was told.
    func paused()

    /// The peer's TCP has acknowledged the oldest `count` units of those that were written.
    func unitsAcknowledged(_ count: Int)

    /// After ``StreamConnection/isWritable`` was false, less than half of the limit is waiting.
    func becameWritable()

    /// The peer sends nothing more but may read on: answer what is in flight, then close.
    ///
    /// Unless the session says otherwise, the connection closes when everything has been written.
    func inputEnded(_ connection: StreamConnection)
}

extension StreamSession {
    package func receivedAll() {}
    package func paused() {}
    package func unitsAcknowledged(_ count: Int) {}
    /// Does nothing.
    package func becameWritable() {}
    /// Closes when everything has been written.
    package func inputEnded(_ connection: StreamConnection) {
        connection.close()
    }
}

/// The other end of a TCP connection.
package struct StreamPeer: Sendable {
    /// Where the peer comes from; `nil` when the system could not say.
    package let remoteAddress: SocketAddress?
    /// Whether TLS protects the connection.
    package let isSecure: Bool
}

/// How a stream listener treats its connections.
package struct StreamOptions: Sendable {
    /// Writes one unit at a time, the next when the peer's TCP has acknowledged it and this much time has passed since.
    ///
    /// `nil`: units leave as they are flushed. Default: `nil`.
    package var spacing: TimeAmount?
    /// From how many waiting bytes on ``StreamConnection/isWritable`` is false (`[SERVER_LIMIT] OUTBOUND_BYTES`).
    ///
    /// A connection is cut when a session goes on to write until twice as many wait. Default: 1 MiB.
    package var outboundBytes = 1 << 20
    /// The most connections that may be open; one more is closed at once.
    ///
    /// `nil`: no limit. Default: `nil`.
    package var maximumConnections: Int?
    /// How long a peer may take to send its first bytes, the TLS handshake included.
    ///
    /// `nil`: for ever, as where the server speaks first. Default: 60 s.
    package var firstBytesTimeout: TimeAmount? = .seconds(60)
    /// Whether a connection without a login is closed (``PeerLimits/logInTimeout``).
    ///
    /// Default: `false`.
    package var needsLogIn = false
    /// Silence of the peer's after which the connection is closed.
    ///
    /// `nil`: never. Default: `nil`.
    package var idleTimeout: TimeAmount?
    /// How long a closing connection may make no headway before it is cut.
    ///
    /// Default: 5 s.
    package var closeTimeout = TimeAmount.seconds(5)
    /// Whose word about where connections come from is taken, with the PROXY protocol.
    package var proxies = TrustedProxies.none

    package init() {}
}

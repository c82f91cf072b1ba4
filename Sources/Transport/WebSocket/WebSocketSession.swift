// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTP1

/// What a protocol does with one WebSocket connection.
///
/// Every call comes on the connection's event loop.
package protocol WebSocketSession: ConnectionSession {
    /// The kinds of messages that the session takes; a message of another kind closes the connection with 1003.
    ///
    /// Asked once, before `opened`. Default: text.
    var acceptedMessages: WebSocketMessageKinds { get }

    /// The connection is open: the first call, once. Keep `connection` to write to it.
    func opened(_ connection: WebSocketConnection)

    /// A whole text message, checked to be UTF-8.
    ///
    /// Messages up to 4 KiB lie in room that the loop uses again when the buffer is not held after the call: decode at
    /// once, do not keep many of them.
    func received(text: ByteBuffer)

    /// A whole binary message; for its room the same holds.
    func received(binary: ByteBuffer)

    /// Everything that one read brought has been handed over: the place to send a batch on.
    func receivedAll()

    /// The peer reads too slowly (`false`), or has caught up (`true`).
    func writabilityChanged(isWritable: Bool)
}

extension WebSocketSession {
    /// Text only.
    package var acceptedMessages: WebSocketMessageKinds { .text }
    /// Does nothing: for sessions that do not accept text.
    package func received(text: ByteBuffer) {}
    /// Does nothing: for sessions that do not accept binary messages.
    package func received(binary: ByteBuffer) {}
    package func receivedAll() {}
    /// Does nothing.
    package func writabilityChanged(isWritable: Bool) {}
}

/// Kinds of WebSocket messages.
package struct WebSocketMessageKinds: OptionSet, Sendable {
    /// The bits.
    package let rawValue: UInt8

    /// The kinds with these bits.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Messages of UTF-8.
    package static let text = Self(rawValue: 1)
    /// Messages of any bytes.
    package static let binary = Self(rawValue: 2)
}

/// The request that asked for a WebSocket connection.
package struct WebSocketHandshake: Sendable {
    /// Path and query as sent.
    package let uri: String
    /// All headers of the request.
    package let headers: HTTPHeaders
    /// Where the peer comes from; `nil` when the system could not say.
    package let remoteAddress: SocketAddress?
    /// Whether TLS protects the connection.
    package let isSecure: Bool
}

/// Serves WebSocket connections on one path.
package struct WebSocketRoute: Sendable {
    /// The exact path, such as `/ws`, without a query.
    package let path: String
    let makeSession: @Sendable (WebSocketHandshake) -> any WebSocketSession

    /// Serves `path` with a session per connection, made on the connection's event loop.
    package init(path: String, makeSession: @escaping @Sendable (WebSocketHandshake) -> any WebSocketSession) {
        self.path = path
        self.makeSession = makeSession
    }
}

/// A message with its frame header, encoded once to be written to many connections.
package struct PreparedFrame: Sendable {
    let bytes: ByteBuffer

    /// Frames `text`, which must be UTF-8.
    package init(text: ByteBuffer) {
        self.init(.text, payload: text)
    }

    /// Frames a binary message.
    package init(binary: ByteBuffer) {
        self.init(.binary, payload: binary)
    }

    private init(_ kind: WebSocketFrameKind, payload: ByteBuffer) {
        var bytes = ByteBufferAllocator().buffer(capacity: payload.readableBytes + 10)
        bytes.writeWebSocketHeader(kind: kind, length: payload.readableBytes)
        bytes.writeImmutableBuffer(payload)
        self.bytes = bytes
    }
}

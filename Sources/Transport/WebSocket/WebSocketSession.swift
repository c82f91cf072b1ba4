// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTP1

/// What a protocol does with one WebSocket connection.
///
/// Every call comes on the connection's event loop.
package protocol WebSocketSession: AnyObject {
    /// The connection is open: the first call, once. Keep `connection` to write to it.
    func opened(_ connection: WebSocketConnection)

    /// A whole text message, checked to be UTF-8.
    ///
    /// Messages up to 4 KiB lie in room that the loop uses again when nobody holds the buffer after the call: decode at once, do not
    /// keep many of them.
    func received(text: ByteBuffer)

    /// Everything that one read brought has been handed over: the place to send a batch on.
    func receivedAll()

    /// The peer reads too slowly (`false`), or has caught up (`true`).
    func writabilityChanged(isWritable: Bool)

    /// The server is stopping: finish what is in work, then `close(code: .goingAway)`.
    func drain()

    /// The connection is gone, for whatever reason: the last call, once.
    func closed()
}

extension WebSocketSession {
    /// Does nothing.
    package func receivedAll() {}
    /// Does nothing.
    package func writabilityChanged(isWritable: Bool) {}
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

/// A text message with its frame header, encoded once to be written to many connections.
package struct PreparedText: Sendable {
    let bytes: ByteBuffer

    /// Frames `text`, which must be UTF-8.
    package init(_ text: ByteBuffer) {
        var bytes = ByteBufferAllocator().buffer(capacity: text.readableBytes + 10)
        bytes.writeWebSocketHeader(kind: .text, length: text.readableBytes)
        bytes.writeImmutableBuffer(text)
        self.bytes = bytes
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOHTTP1
import NIOWebSocket
import Synchronization

/// A WebSocket to a server: messages one way and the other, and raw frames for tests.
///
/// Messages wait without bound until they are received; `setReading(false)` makes the client a slow reader.
package final class WebSocketClient: Sendable {
    private let channel: any Channel
    private let inbox: WebSocketInbox
    /// Masks protect proxies and are no secret: a counter that is mixed, not a system call per frame.
    private let maskSeed: Atomic<UInt64>

    private init(channel: any Channel, inbox: WebSocketInbox) {
        self.channel = channel
        self.inbox = inbox
        self.maskSeed = Atomic(UInt64.random(in: .min ... .max))
    }

    /// Connects to `ws://…` or `wss://…` and upgrades.
    ///
    /// `onMessage` is called on the event loop for each message, in place of `receive()`; `onEnd` once, when the
    /// connection has ended. Errors are `ClientError.refused`, `.timedOut`, `.tls`, `.handshakeRefused` with the
    /// status, and so on.
    package static func connect(
        url: String, options: ClientOptions = ClientOptions(), onMessage: (@Sendable (ByteBuffer) -> Void)? = nil,
        onEnd: (@Sendable (WebSocketClosure, ClientError?) -> Void)? = nil
    ) async throws(ClientError) -> WebSocketClient {
        let address = try ClientAddress(url: url, schemes: ["ws", "wss"])
        let inbox = WebSocketInbox()
        let upgrader = WebSocketUpgrader(maximumFrameBytes: options.maximumMessageBytes) {
            WebSocketClientHandler(
                options: options, onMessage: onMessage ?? { inbox.deliver($0) }, onPong: { inbox.pongReceived($0) },
                onEnd: { closure, failure in
                    inbox.end(closure, failure: failure)
                    onEnd?(closure, failure)
                })
        }
        var headers = HTTPHeaders([("Host", address.authority)])
        for header in options.headers { headers.add(name: header.name, value: header.value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path, headers: headers)
        return try await ClientConnector(address: address, options: options).connect { channel, notes in
            let encoder = HTTPRequestEncoder()
            let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
            let observer = HandshakeObserver(notes: notes)
            let upgrade = NIOTypedHTTPClientUpgradeHandler(
                httpHandlers: [encoder, decoder, observer],
                upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                    upgradeRequestHead: head, upgraders: [upgrader]
                ) { channel in
                    channel.eventLoop.makeFailedFuture(
                        ClientError.protocolViolation("its answer to the upgrade does not fit the request"))
                })
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandlers([encoder, decoder, observer, upgrade])
            return upgrade.upgradeResultFuture.map { WebSocketClient(channel: channel, inbox: inbox) }
        }
    }

    /// How the connection ended; `nil` while it lives.
    package var closure: WebSocketClosure? { inbox.closure }

    /// The next message, text or binary; `nil` once the connection has ended and everything was received.
    ///
    /// Then `closure` says how.
    package func receive() async throws(ClientError) -> [UInt8]? {
        try await inbox.next().map { Array(buffer: $0) }
    }

    /// Sends a text message and waits until it is handed to the system.
    package func send(text: String) async throws(ClientError) {
        try await write(frame(opcode: 1, Array(text.utf8)))
    }

    /// Sends a text message from bytes, UTF-8 or not, and waits until it is handed to the system.
    package func send(text: [UInt8]) async throws(ClientError) {
        try await write(frame(opcode: 1, text))
    }

    /// Sends a text message without waiting.
    ///
    /// Messages leave in the order of the calls. If the connection has ended, nothing happens: `receive()` says so.
    package func enqueue(text: [UInt8]) {
        let buffer = frame(opcode: 1, text)
        // Never inline: callers may hold a lock that the end of the connection needs.
        channel.eventLoop.execute { self.channel.writeAndFlush(buffer, promise: nil) }
    }

    /// Sends one frame of any shape.
    package func send(frame: WebSocketFrameBytes, payload: [UInt8] = []) async throws(ClientError) {
        try await write(frame.encoded(payload))
    }

    /// Sends bytes that need not be a frame.
    package func send(raw bytes: [UInt8]) async throws(ClientError) {
        try await write(ByteBuffer(bytes: bytes))
    }

    /// Sends a ping and waits for its pong.
    package func ping(_ payload: [UInt8] = Array("ping".utf8)) async throws(ClientError) {
        let buffer = frame(opcode: 9, payload)
        try await inbox.pong(with: payload) { channel.writeAndFlush(buffer, promise: nil) }
    }

    /// Sends a close frame, waits until the server has ended the connection, and answers with how.
    @discardableResult
    package func close(code: UInt16 = 1000, reason: String = "") async -> WebSocketClosure {
        let payload = [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)
        channel.writeAndFlush(frame(opcode: 8, payload), promise: nil)
        return await closed()
    }

    /// Cuts the connection without a close frame.
    package func abort() async {
        channel.close(promise: nil)
        await closed()
    }

    /// Waits until the connection has ended.
    ///
    /// Messages that came before are kept.
    @discardableResult
    package func closed() async -> WebSocketClosure {
        try? await channel.closeFuture.get()
        return inbox.closure ?? .abnormal
    }

    /// Whether the client reads from its socket.
    ///
    /// While it does not, the server's writes back up.
    package func setReading(_ isReading: Bool) async throws(ClientError) {
        do {
            try await channel.setOption(.autoRead, value: isReading).get()
        } catch {
            throw ended
        }
    }

    private var ended: ClientError { .closed(inbox.closure ?? .abnormal) }

    private func write(_ buffer: ByteBuffer) async throws(ClientError) {
        do {
            try await channel.writeAndFlush(buffer)
        } catch {
            throw ended
        }
    }

    private func frame(opcode: UInt8, _ payload: [UInt8]) -> ByteBuffer {
        var mixed = maskSeed.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        return WebSocketFrameBytes(opcode: opcode, maskingKey: UInt32(truncatingIfNeeded: mixed >> 32)).encoded(payload)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTP1
import NIOPosix
package import NIOSSL
package import NIOWebSocket
import Synchronization

/// A server that does what a test tells it to, built from NIO's own parts.
package struct ScriptedServer: Sendable {
    /// The server's end of one WebSocket.
    package struct Peer: Sendable {
        package let channel: any Channel

        package func send(text: String) {
            send(.text, text)
        }

        package func send(_ opcode: WebSocketOpcode, _ payload: String, isFinal: Bool = true) {
            send(opcode, ByteBuffer(string: payload), isFinal: isFinal)
        }

        package func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, isFinal: Bool = true) {
            channel.writeAndFlush(WebSocketFrame(fin: isFinal, opcode: opcode, data: payload), promise: nil)
        }

        package func sendClose(code: UInt16?, reason: String = "") {
            var payload = ByteBuffer()
            if let code { payload.writeInteger(code) }
            payload.writeString(reason)
            send(.connectionClose, payload)
        }

        package func disconnect() {
            channel.close(promise: nil)
        }
    }

    /// What the server does.
    ///
    /// Everything is called on the connection's event loop.
    package struct Script: Sendable {
        /// The answer to a request that is no upgrade, and to upgrades if `refusesUpgrades`.
        package var status = HTTPResponseStatus.ok
        package var body = ""
        package var refusesUpgrades = false
        package var onOpen: @Sendable (Peer) -> Void = { _ in }
        package var onFrame: @Sendable (Peer, WebSocketOpcode, String) -> Void = { peer, opcode, text in
            switch opcode {
            case .text: peer.send(text: text)
            case .ping: peer.send(.pong, text)
            case .connectionClose: peer.disconnect()
            default: break
            }
        }

        package init() {}
    }

    /// The text frames of all clients.
    fileprivate final class Record: Sendable {
        private let frames = Mutex<[String]>([])

        var all: [String] { frames.withLock { $0 } }

        func append(_ frame: String) { frames.withLock { $0.append(frame) } }
    }

    package let port: Int
    private let record: Record

    /// The text frames that came so far, in order.
    package var received: [String] { record.all }

    /// The same answers to every frame; none leave the client waiting.
    package static func always(_ frames: String...) -> @Sendable (String) -> [String] {
        { _ in frames }
    }

    /// Answers each text frame with what `answers` makes of it, and every request with `page`, while `body` runs.
    package static func run<Value>(
        page: String = "", answers: @escaping @Sendable (String) -> [String],
        _ body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        var script = Script()
        script.body = page
        script.onFrame = { peer, opcode, text in
            switch opcode {
            case .text: for answer in answers(text) { peer.send(text: answer) }
            case .connectionClose: peer.disconnect()
            default: break
            }
        }
        return try await run(script, body)
    }

    /// Serves `script` while `body` runs.
    @discardableResult
    package static func run<Value>(
        _ script: Script = Script(), tls: NIOSSLContext? = nil,
        _ body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        try await run(body) { channel, record in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                let pages = PageHandler(status: script.status, body: script.body)
                let upgrader = NIOWebSocketServerUpgrader(
                    maxFrameSize: 1 << 24,
                    shouldUpgrade: { channel, _ in
                        channel.eventLoop.makeSucceededFuture(script.refusesUpgrades ? nil : HTTPHeaders())
                    },
                    upgradePipelineHandler: { channel, _ in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(PeerHandler(script: script, record: record))
                        }
                    })
                let bound = NIOLoopBound(pages, eventLoop: channel.eventLoop)
                try pipeline.configureHTTPServerPipeline(
                    withServerUpgrade: (
                        upgraders: [upgrader],
                        completionHandler: { context in
                            context.pipeline.syncOperations.removeHandler(bound.value, promise: nil)
                        }
                    ))
                try pipeline.addHandler(pages)
            }
        }
    }

    /// Accepts connections, sends them `bytes`, and says nothing more.
    @discardableResult
    package static func run<Value>(
        raw bytes: String, thenCloses: Bool = false, _ body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        try await run(body) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(RawHandler(bytes: bytes, closes: thenCloses))
            }
        }
    }

    private static func run<Value>(
        _ body: (ScriptedServer) async throws -> Value,
        setup: @escaping @Sendable (any Channel, Record) -> EventLoopFuture<Void>
    ) async throws -> Value {
        let record = Record()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { setup($0, record) }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = ScriptedServer(port: channel.localAddress?.port ?? 0, record: record)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    package func url(_ scheme: String = "ws", host: String = "127.0.0.1", path: String = "/ws") -> String {
        "\(scheme)://\(host):\(port)\(path)"
    }
}

/// Hands frames to the script.
private final class PeerHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    private let script: ScriptedServer.Script
    private let record: ScriptedServer.Record

    init(script: ScriptedServer.Script, record: ScriptedServer.Record) {
        self.script = script
        self.record = record
    }

    func handlerAdded(context: ChannelHandlerContext) {
        script.onOpen(ScriptedServer.Peer(channel: context.channel))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let text = String(buffer: frame.unmaskedData)
        if frame.opcode == .text { record.append(text) }
        script.onFrame(ScriptedServer.Peer(channel: context.channel), frame.opcode, text)
    }
}

/// Answers every request with one page that repeats the request's path and `Accept` header.
private final class PageHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let status: HTTPResponseStatus
    private let body: String

    init(status: HTTPResponseStatus, body: String) {
        self.status = status
        self.body = body
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data) else { return }
        let headers = HTTPHeaders([
            ("Content-Length", "\(body.utf8.count)"), ("X-Path", request.uri),
            ("X-Accept", request.headers["Accept"].first ?? ""), ("X-Host", request.headers["Host"].first ?? ""),
        ])
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

/// Sends its bytes to each client, once that has said something.
private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let bytes: String
    private let closes: Bool

    init(bytes: String, closes: Bool) {
        self.bytes = bytes
        self.closes = closes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: bytes)), promise: nil)
        if closes { context.close(promise: nil) }
    }
}

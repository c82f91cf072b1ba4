// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// A server that answers each text frame with what a test says, and every page with one body.
struct ScriptedServer: Sendable {
    /// What came from clients, in order.
    final class Received: Sendable {
        private let frames = Mutex<[String]>([])

        func append(_ frame: String) { frames.withLock { $0.append(frame) } }

        var all: [String] { frames.withLock { $0 } }
    }

    let port: Int
    let received: Received

    var url: String { "ws://127.0.0.1:\(port)/ws" }

    /// The same answers to every frame; none leave the client waiting.
    static func always(_ frames: String...) -> @Sendable (String) -> [String] {
        { _ in frames }
    }

    /// Serves while `body` runs; `answers` tells what follows a frame.
    static func run<Value>(
        page: String = "", answers: @escaping @Sendable (String) -> [String],
        _ body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        let received = Received()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pages = PageHandler(body: page)
                    let upgrader = NIOWebSocketServerUpgrader(
                        maxFrameSize: 1 << 24,
                        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture {
                                let handler = AnswerHandler(received: received, answers: answers)
                                try channel.pipeline.syncOperations.addHandler(handler)
                            }
                        })
                    let bound = NIOLoopBound(pages, eventLoop: channel.eventLoop)
                    let pipeline = channel.pipeline.syncOperations
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
            .bind(host: "127.0.0.1", port: 0).get()
        let server = ScriptedServer(port: channel.localAddress?.port ?? 0, received: received)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame
    private let received: ScriptedServer.Received
    private let answers: @Sendable (String) -> [String]

    init(received: ScriptedServer.Received, answers: @escaping @Sendable (String) -> [String]) {
        self.received = received
        self.answers = answers
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            let text = String(buffer: frame.unmaskedData)
            received.append(text)
            for answer in answers(text) {
                let reply = WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: answer))
                context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
            }
        case .connectionClose: context.close(promise: nil)
        default: break
        }
    }
}

private final class PageHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let body: String

    init(body: String) {
        self.body = body
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head = unwrapInboundIn(data) else { return }
        let headers = HTTPHeaders([("Content-Length", "\(body.utf8.count)")])
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

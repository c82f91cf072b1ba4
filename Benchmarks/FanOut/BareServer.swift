// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import NIOCore
import NIOPosix
import TestClient

/// The measure of all: swift-nio with one channel handler, which hands each frame of a sender to every receiver.
///
/// It decodes and keeps nothing and knows no accounts; all frames of one read leave with one write for each receiver.
enum BareServer {
    /// The word that makes the program this server.
    static let word = "bare-server"
    static let receiverPath = "/receiver"
    static let senderPath = "/sender"

    /// Prints its address and serves until the process is ended.
    static func run() async throws {
        let rooms = Crowd.loops.map(BareRoom.init)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 2048)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(BareHandler(rooms: rooms))
                }
            }
            .bind(host: "0.0.0.0", port: 0).get()
        print("ws://127.0.0.1:\(server.localAddress?.port ?? 0)/")
        OutputBuffer.flush()
        try await server.closeFuture.get()
    }
}

/// The receivers of one event loop; touched on that loop only, hence `@unchecked Sendable`.
private final class BareRoom: @unchecked Sendable {
    let loop: any EventLoop
    var contexts: [ObjectIdentifier: ChannelHandlerContext] = [:]

    init(loop: any EventLoop) {
        self.loop = loop
    }

    func write(_ buffer: ByteBuffer) {
        loop.execute {
            for context in self.contexts.values { context.writeAndFlush(NIOAny(buffer), promise: nil) }
        }
    }
}

private final class BareHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let rooms: [BareRoom]
    private var rest = ByteBuffer()
    private var isOpen = false

    init(rooms: [BareRoom]) {
        self.rooms = rooms
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        rest.writeBuffer(&buffer)
        if !isOpen, !takeHead(context) { return }
        var frames = ByteBuffer()
        var acknowledgements = ByteBuffer()
        while let payload = takeFrame() {
            frames.writeImmutableBuffer(WebSocketFrameBytes(opcode: 1, maskingKey: nil).encoded(payload))
            acknowledgements.writeImmutableBuffer(
                WebSocketFrameBytes(opcode: 1, maskingKey: nil).encoded(FanOutSender.proof))
        }
        rest.discardReadBytes()
        guard frames.readableBytes > 0 else { return }
        for room in rooms { room.write(frames) }
        context.writeAndFlush(wrapOutboundOut(acknowledgements), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        room(of: context)?.contexts[ObjectIdentifier(self)] = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func room(of context: ChannelHandlerContext) -> BareRoom? {
        rooms.first { $0.loop === context.eventLoop }
    }

    private func takeHead(_ context: ChannelHandlerContext) -> Bool {
        let end = rest.withUnsafeReadableBytes { $0.firstOffset(of: Array("\r\n\r\n".utf8)) }
        guard let end, let head = rest.readString(length: end + 4) else { return false }
        isOpen = true
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        if head.hasPrefix("GET \(BareServer.receiverPath) ") {
            room(of: context)?.contexts[ObjectIdentifier(self)] = context
        }
        return true
    }

    /// Takes a masked frame and unmasks it.
    private func takeFrame() -> [UInt8]? {
        var rest = rest
        guard let start: (UInt8, UInt8) = rest.readMultipleIntegers() else { return nil }
        var length = Int(start.1 & 0x7F)
        if length == 126 {
            guard let long = rest.readInteger(as: UInt16.self) else { return nil }
            length = Int(long)
        } else if length == 127 {
            guard let long = rest.readInteger(as: UInt64.self) else { return nil }
            length = Int(clamping: long)
        }
        guard let key = rest.readBytes(length: 4), var payload = rest.readBytes(length: length) else { return nil }
        for index in payload.indices { payload[index] ^= key[index % 4] }
        self.rest = rest
        return payload
    }
}

@available(*, unavailable)
extension BareHandler: Sendable {}

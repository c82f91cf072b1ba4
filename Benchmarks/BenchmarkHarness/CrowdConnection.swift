// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix
import TestClient

/// What one connection of a crowd does; everything happens on its event loop.
package protocol CrowdMember: AnyObject {
    /// The WebSocket is open.
    func opened(_ connection: CrowdConnection)
    /// A text or binary message came; the bytes are valid during the call only.
    func received(_ message: UnsafeRawBufferPointer)
    /// The connection is gone.
    func ended()
}

/// A WebSocket of a load generator: it reads frames from the bytes of the socket without a codec between, because what
/// the generator uses of the processors the server does not get.
///
/// It does not ask whether the server proves that it understood the upgrade.
package final class CrowdConnection: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private let head: String
    private let member: any CrowdMember
    private let opened: EventLoopPromise<Void>
    private var isOpen = false
    private var isReading = false
    private var rest: ByteBuffer?
    private var context: ChannelHandlerContext?

    private init(head: String, member: any CrowdMember, opened: EventLoopPromise<Void>) {
        self.head = head
        self.member = member
        self.opened = opened
    }

    /// Connects and upgrades.
    ///
    /// - Parameters:
    ///   - host: One of the loopback addresses.
    ///   - port: Of the server.
    ///   - path: Of the endpoint.
    ///   - loop: Where the connection lives.
    ///   - member: Makes what gets its messages; called on the loop.
    /// - Returns: The channel, open for messages.
    /// - Throws: What the system says, or `BenchmarkFailure` when the server does not upgrade.
    package static func connect(
        host: String, port: Int, path: String, on loop: any EventLoop, member: @escaping @Sendable () -> any CrowdMember
    ) async throws -> any Channel {
        let head = """
            GET \(path) HTTP/1.1\r
            Host: \(host):\(port)\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r
            \r

            """
        let opened = loop.makePromise(of: Void.self)
        do {
            let channel = try await ClientBootstrap(group: loop)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let connection = CrowdConnection(head: head, member: member(), opened: opened)
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
                }
                .connect(host: host, port: port).get()
            try await opened.futureResult.get()
            return channel
        } catch {
            opened.fail(error)
            throw error
        }
    }

    /// Sends a text message; those that answer what is being read leave together.
    package func send(text: [UInt8]) {
        guard let context else { return }
        context.write(wrapOutboundOut(WebSocketFrameBytes(opcode: 1).encoded(text)), promise: nil)
        if !isReading { context.flush() }
    }

    package func channelActive(context: ChannelHandlerContext) {
        self.context = context
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        opened.fail(BenchmarkFailure("A server ended a connection before the upgrade."))
        member.ended()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.flush()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        var buffer = unwrapInboundIn(data)
        if var waiting = rest {
            rest = nil
            waiting.writeBuffer(&buffer)
            buffer = waiting
        }
        if !isOpen, !takeHead(from: &buffer) {
            rest = buffer
            return
        }
        while let frame = WebSocketServerFrame(readingFrom: &buffer) {
            switch frame.opcode {
            case 1, 2: frame.payload.withUnsafeReadableBytes { member.received($0) }
            case 9:
                let pong = WebSocketFrameBytes(opcode: 10).encoded(Array(buffer: frame.payload))
                context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
            default: return context.close(promise: nil)
            }
        }
        if buffer.readableBytes > 0 { rest = buffer }
    }

    /// Reads the answer to the upgrade.
    ///
    /// - Returns: Whether all of it has come.
    private func takeHead(from buffer: inout ByteBuffer) -> Bool {
        let end = buffer.withUnsafeReadableBytes { $0.firstOffset(of: Array("\r\n\r\n".utf8)) }
        guard let end, let head = buffer.readString(length: end + 4) else { return false }
        guard head.hasPrefix("HTTP/1.1 101") else {
            opened.fail(BenchmarkFailure("A server answered the upgrade with '\(head.prefix { $0 != "\r\n" })'."))
            context?.close(promise: nil)
            return true
        }
        isOpen = true
        opened.succeed(())
        member.opened(self)
        return true
    }
}

@available(*, unavailable)
extension CrowdConnection: Sendable {}

/// One unmasked, unfragmented frame.
private struct WebSocketServerFrame {
    var opcode: UInt8
    var payload: ByteBuffer

    /// Takes a frame from the buffer; `nil`, and nothing taken, while it is not complete.
    init?(readingFrom buffer: inout ByteBuffer) {
        var rest = buffer
        guard let start: (UInt8, UInt8) = rest.readMultipleIntegers() else { return nil }
        var length = Int(start.1 & 0x7F)
        if length == 126 {
            guard let long = rest.readInteger(as: UInt16.self) else { return nil }
            length = Int(long)
        } else if length == 127 {
            guard let long = rest.readInteger(as: UInt64.self) else { return nil }
            length = Int(clamping: long)
        }
        guard let payload = rest.readSlice(length: length) else { return nil }
        opcode = start.0 & 0xF
        self.payload = payload
        buffer = rest
    }
}

extension UnsafeRawBufferPointer {
    /// Where a sequence of bytes begins; `nil` when it is not there.
    package func firstOffset(of wanted: [UInt8]) -> Int? {
        guard let base = baseAddress, let first = wanted.first else { return nil }
        var start = 0
        while start + wanted.count <= count, let found = memchr(base + start, Int32(first), count - start) {
            let offset = UnsafeRawPointer(found) - base
            if offset + wanted.count > count { return nil }
            if memcmp(found, wanted, wanted.count) == 0 { return offset }
            start = offset + 1
        }
        return nil
    }
}

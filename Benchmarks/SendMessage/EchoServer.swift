// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// The measure of all: a WebSocket server of nothing but swift-nio that sends back what it gets.
///
/// A channel handler behind NIO's own upgrade and codecs; one flush for everything that one read brought. The durable
/// one keeps each frame on a disk before it sends it back: the least that a server does which acknowledges.
enum EchoServer {
    /// The words that make the program this server.
    static let word = "echo-server"
    /// With the folder for its files behind it.
    static let durableWord = "durable-echo-server"

    /// Prints its address and serves until the process is ended.
    ///
    /// - Parameter folder: Where frames are kept; `nil`: nowhere.
    /// - Throws: What kept it from serving.
    static func run(keepingIn folder: String?) async throws {
        let loops = MultiThreadedEventLoopGroup.singleton
        let journals = try folder.map { folder in
            try loops.makeIterator().enumerated().map { index, loop in
                try EchoJournal(loop: loop, file: "\(folder)/journal-\(index)")
            }
        }
        let server = try await ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: 2048)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                let journal = journals?.first { $0.loop === channel.eventLoop }
                return channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketServerUpgrader<Void>(
                        maxFrameSize: 1 << 20,
                        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(EchoHandler(journal: journal))
                            }
                        })
                    let upgrades = NIOTypedHTTPServerUpgradeConfiguration(
                        upgraders: [upgrader], notUpgradingCompletionHandler: { $0.close() })
                    _ = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                        configuration: NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: upgrades))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        print("ws://127.0.0.1:\(server.localAddress?.port ?? 0)/ws")
        OutputBuffer.flush()
        try await server.closeFuture.get()
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let journal: EchoJournal?

    init(journal: EchoJournal?) {
        self.journal = journal
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary:
            let data = frame.unmaskedData
            journal?.append(data)
            context.write(
                wrapOutboundOut(WebSocketFrame(fin: frame.fin, opcode: frame.opcode, data: data)), promise: nil)
        case .connectionClose:
            let close = WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(close), promise: nil)
            context.close(mode: .output, promise: nil)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let journal { journal.flushWhenKept(context) } else { context.flush() }
    }
}

@available(*, unavailable)
extension EchoHandler: Sendable {}

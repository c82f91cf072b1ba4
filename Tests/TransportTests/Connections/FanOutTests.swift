// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct FanOutTests {
    /// A WebSocket session that writes what it is handed.
    private final class Member: WebSocketSession, DeliverySession {
        let join: (ConnectionID) -> Void
        private var connection: WebSocketConnection?

        init(join: @escaping (ConnectionID) -> Void) {
            self.join = join
        }

        func opened(_ connection: WebSocketConnection) {
            self.connection = connection
            self.join(connection.id)
        }

        func deliver(_ delivery: Delivery) {
            for frame in delivery.frames { self.connection?.write(frame: frame) }
            self.connection?.flush()
        }

        func drain() { self.connection?.close(code: .goingAway) }
        func closed() { self.connection = nil }
    }

    @Test func deliveriesReachBothKindsOfConnectionsInOrder() async throws {
        let ids = Mutex<[ConnectionID]>([])
        var options = StreamTestServer.Options()
        options.onOpened = { connection in ids.withLock { $0.append(connection.id) } }
        options.webSocket = { events in
            Member { id in
                ids.withLock { $0.append(id) }
                events.record(.opened)
            }
        }
        try await withStreamServer(options) { server in
            let first = try BareSocket(port: server.port)
            let second = try BareSocket(port: server.port)
            try await withRawClient(port: server.webSocketPort) { webSocket in
                try await webSocket.openWebSocket()
                for _ in 0..<3 { await server.events.wait(for: .opened) }
                let members = ids.withLock { $0 } + [ConnectionID(rawValue: 7 << 16), ConnectionID(rawValue: 0xFFFF)]
                let streams = FanOut<ScriptedSession>(registry: server.registry)
                let webSockets = FanOut<Member>(registry: server.registry)

                for number in 0..<100 {
                    // Each is for the sessions of its type only, though all are named.
                    streams.deliver(Delivery(["s\(number), ", "t\(number), "]), to: members)
                    webSockets.deliver(Delivery(["w\(number)"]), to: members)
                }

                let expected = (0..<100).map { "s\($0), t\($0), " }.joined()
                for client in [first, second] {
                    var text = ""
                    while text.utf8.count < expected.utf8.count { text += try await client.receiveText() }
                    #expect(text == expected)
                }
                for number in 0..<100 { #expect(try await webSocket.readFrame().text == "w\(number)") }
            }
        }
    }

    /// Counts what a connection does to its channel.
    private final class OutboundCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var flushes = 0

        func flush(context: ChannelHandlerContext) {
            self.flushes += 1
            context.flush()
        }
    }

    private func embedded() throws -> (EmbeddedEventLoop, ConnectionRegistry, EmbeddedChannel, OutboundCounter) {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(group: eventLoop)
        let channel = EmbeddedChannel(loop: eventLoop)
        let counter = OutboundCounter()
        try channel.pipeline.syncOperations.addHandler(counter)
        return (eventLoop, registry, channel, counter)
    }

    @Test func manyDeliveriesAreOneHopAndOneFlush() throws {
        let (eventLoop, registry, channel, counter) = try self.embedded()
        let ids = Mutex<[ConnectionID]>([])
        var options = StreamTestServer.Options()
        options.onOpened = { connection in ids.withLock { $0.append(connection.id) } }
        let settings = StreamChannel.Settings(
            options: StreamOptions(), isSecure: false, registry: registry, load: ServerLoad(),
            makeSession: { [options] _ in ScriptedSession(events: SessionEvents(), options: options) })
        let loop = try #require(registry.loop(of: eventLoop))
        try channel.pipeline.syncOperations.addHandler(StreamHandler(settings: settings, loop: loop))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()

        let fanOut = FanOut<ScriptedSession>(registry: registry)
        for number in 0..<8 { fanOut.deliver(Delivery(["\(number)"]), to: ids.withLock { $0 }) }
        #expect(counter.flushes == 0)
        eventLoop.run()

        #expect(counter.flushes == 1)
        var text = ""
        while let unit = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: unit) }
        #expect(text == "01234567")
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func flushesOfOneTickAreOne() throws {
        let (eventLoop, registry, channel, counter) = try self.embedded()
        let loop = try #require(registry.loop(of: eventLoop))
        let connection = WebSocketConnection(loop: loop, remoteAddress: nil)
        let handler = WebSocketHandler(connection: connection, session: Member { _ in }, registry: registry)
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()

        for _ in 0..<8 {
            connection.write(text: ByteBuffer(string: "x"))
            connection.flush()
        }
        #expect(counter.flushes == 0)
        eventLoop.run()

        #expect(counter.flushes == 1)
        #expect(try channel.readOutbound(as: ByteBuffer.self)?.readableBytes == 8 * 3)
        #expect(connection.writtenBytes == 8 * 3)
        connection.write(text: ByteBuffer(string: "y"))
        connection.flush()
        eventLoop.run()
        #expect(counter.flushes == 2)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}

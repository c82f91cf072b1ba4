// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct ListenerTests {
    @Test func gracefulShutdownDrainsWebSocketsAndFinishesRequests() async throws {
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let (permitted, permission) = AsyncStream.makeStream(of: Void.self)
        var options = TestServer.Options()
        options.responder = { request, writer, channel in
            beginning.yield()
            for await _ in permitted { break }
            try await TestServer.page(request, writer, channel)
        }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { idle in
                try await withRawClient(port: server.port) { busy in
                    try await withRawClient(port: server.port) { webSocket in
                        try await webSocket.openWebSocket()
                        try await busy.send(request: ["GET /slow HTTP/1.1", "Host: localhost"])
                        for await _ in begun { break }

                        await server.stop()

                        let close = try await webSocket.readFrame()
                        #expect(close.closeCode == 1001)
                        try await webSocket.send(clientFrame(.close, close.payload))
                        #expect(await webSocket.readToEnd() == [])
                        #expect(await idle.readToEnd() == [])
                        permission.yield()
                        let response = try await busy.readResponse()
                        #expect(response.body == "/slow")
                        #expect(response.head.lowercased().contains("connection: close"))
                        #expect(await busy.readToEnd() == [])
                    }
                }
            }
            await server.registry.allClosed()
            #expect(server.load.openConnections == 0)
        }
    }

    @Test func connectionsThatDoNotEndAreCutAtTheBound() async throws {
        final class StubbornSession: WebSocketSession {
            let events: SessionEvents
            init(events: SessionEvents) { self.events = events }
            func opened(_ connection: WebSocketConnection) {}
            func received(text: ByteBuffer) {}
            func drain() {}
            func closed() { self.events.record(.closed) }
        }
        var options = TestServer.Options()
        options.drainTimeout = .milliseconds(50)
        options.makeSession = { _, events in StubbornSession(events: events) }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                await server.stop()

                #expect(await client.readToEnd() == [])
                await server.events.wait(for: .closed)
            }
        }
    }

    // A connection that is accepted while the server stops is handed to nobody.
    @Test(arguments: ["", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    func connectionThatNobodyHandlesIsClosed(request: String) throws {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(group: eventLoop)
        let channel = EmbeddedChannel(loop: eventLoop)
        let listener = HTTPWebSocketChannel(
            responder: TestServer.page,
            settings: .init(routes: [], options: HTTPOptions(), load: ServerLoad(), registry: registry),
            isSecure: false
        )

        func accept() throws {
            let value = try listener.setup(channel: channel, logger: Logger(label: "test")).wait()
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try channel.writeInbound(ByteBuffer(string: request))
            #expect(channel.isActive)
            _ = value
        }
        try accept()
        eventLoop.run()

        #expect(!channel.isActive)
        #expect(registry.openConnections == 0)
    }

    @Test func connectionsDuringShutdownAreClosed() async throws {
        for _ in 0..<10 {
            try await withTestServer { server in
                await withTaskGroup(of: Void.self) { tasks in
                    for _ in 0..<8 {
                        tasks.addTask {
                            try? await withRawClient(port: server.port) { client in
                                try await client.send(request: ["GET / HTTP/1.1", "Host: localhost"])
                                _ = await client.readToEnd()
                            }
                        }
                    }
                    tasks.addTask { await server.stop() }
                }
            }
        }
    }

    @Test func portInUseIsNamed() async throws {
        try await withTestServer { server in
            let registry = ConnectionRegistry(group: MultiThreadedEventLoopGroup.singleton)
            let listener = try Listener(
                .http(webSockets: [], registry: registry),
                address: ListenerAddress(host: "127.0.0.1", port: server.port),
                registry: registry,
                group: MultiThreadedEventLoopGroup.singleton,
                drainTimeout: .seconds(1),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                responder: TestServer.page
            )

            let error = try #require(await #expect(throws: ListenerError.self) { try await listener.run() })

            #expect(error.code == .addressInUse)
            #expect(error.message.hasPrefix("Port \(server.port) on 127.0.0.1 is in use."))
        }
    }
}

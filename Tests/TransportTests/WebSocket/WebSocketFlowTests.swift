// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing

@testable import Transport

/// Back-pressure, hops and many connections.
@Suite(.timeLimit(.minutes(10)))
struct WebSocketFlowTests {
    /// Takes one message, then pauses until it is told to go on.
    private final class PausingSession: WebSocketSession {
        let events: SessionEvents
        let opening: @Sendable (WebSocketConnection) -> Void
        var connection: WebSocketConnection?

        init(events: SessionEvents, opening: @escaping @Sendable (WebSocketConnection) -> Void) {
            self.events = events
            self.opening = opening
        }

        func opened(_ connection: WebSocketConnection) {
            self.connection = connection
            self.opening(connection)
        }

        func received(text: ByteBuffer) {
            self.connection?.pauseReading()
            self.connection?.write(text: text)
            self.connection?.flush()
        }

        func drain() { self.connection?.close(code: .goingAway) }

        func closed() { self.events.record(.closed) }
    }

    @Test func pausedConnectionHandsOverNothingUntilResumed() async throws {
        let (connections, source) = AsyncStream.makeStream(of: WebSocketConnection.self)
        var options = TestServer.Options()
        options.makeSession = { _, events in PausingSession(events: events) { source.yield($0) } }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
                let connection = try #require(await connections.first { _ in true })

                try await client.send((1...5).flatMap { clientFrame(.text, Array("message \($0)".utf8)) })
                for number in 1...5 {
                    #expect(try await client.readFrame().text == "message \(number)")
                    // Were more handed over, its echo would stand before this mark.
                    connection.eventLoop.execute {
                        connection.write(text: ByteBuffer(string: "mark"))
                        connection.flush()
                    }
                    #expect(try await client.readFrame().text == "mark")
                    connection.eventLoop.execute { connection.resumeReading() }
                }
                connection.eventLoop.execute { connection.resumeReading() }
            }
            await server.events.wait(for: .closed)
            #expect(server.registry.inboundBudget.usedBytes == 0)
        }
    }

    @Test func slowReaderIsReportedAndCounted() async throws {
        final class FloodingSession: WebSocketSession {
            let events: SessionEvents
            var connection: WebSocketConnection?
            init(events: SessionEvents) { self.events = events }
            func opened(_ connection: WebSocketConnection) { self.connection = connection }
            func received(text: ByteBuffer) {
                guard let connection = self.connection else { return }
                // More than both sockets can hold, so that some of it must wait here.
                for _ in 0..<24 { connection.write(text: ByteBuffer(repeating: 0x61, count: 1 << 20)) }
                connection.flush()
                let waits = connection.bufferedBytes > 1 << 20 && !connection.isWritable
                self.events.record(.text(waits ? "waits" : "gone"))
            }
            func writabilityChanged(isWritable: Bool) { self.events.record(.writable(isWritable)) }
            func drain() { self.connection?.close(code: .goingAway) }
            func closed() {}
        }
        var options = TestServer.Options()
        options.makeSession = { _, events in FloodingSession(events: events) }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(text: "go")
                await server.events.wait(for: .text("waits"))
                for _ in 0..<24 { #expect(try await client.readFrame().payload.count == 1 << 20) }

                await server.events.wait(for: .writable(true))
            }
        }
    }

    @Test func preparedTextReachesManyConnectionsInOrder() async throws {
        let ids = Mutex<[ConnectionID]>([])
        final class Member: WebSocketSession {
            let join: (ConnectionID) -> Void
            var connection: WebSocketConnection?
            init(join: @escaping (ConnectionID) -> Void) { self.join = join }
            func opened(_ connection: WebSocketConnection) {
                self.connection = connection
                self.join(connection.id)
            }
            func received(text: ByteBuffer) {}
            func drain() { self.connection?.close(code: .goingAway) }
            func closed() { self.connection = nil }
        }
        var options = TestServer.Options()
        options.makeSession = { _, events in
            Member { id in
                ids.withLock { $0.append(id) }
                events.record(.opened)
            }
        }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { first in
                try await withRawClient(port: server.port) { second in
                    try await first.openWebSocket()
                    try await second.openWebSocket()
                    for _ in 0..<2 { await server.events.wait(for: .opened) }
                    let members = ids.withLock { $0 }
                    #expect(Set(members).count == 2)

                    for number in 0..<10 {
                        let text = PreparedFrame(text: ByteBuffer(string: String(repeating: "e", count: number * 2000)))
                        server.registry.forEachSession(of: members) { session in
                            guard let member = session as? Member else { return }
                            member.connection?.write(frame: text)
                            member.connection?.flush()
                        }
                    }

                    for number in 0..<10 {
                        #expect(try await first.readFrame().payload.count == number * 2000)
                        #expect(try await second.readFrame().payload.count == number * 2000)
                    }
                }
            }
        }
    }
}

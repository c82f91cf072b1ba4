// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Transport

/// The same rules on real connections.
@Suite(.timeLimit(.minutes(10))) struct PeerLimitConnectionTests {
    /// A session that answers each text with a megabyte, whoever reads it.
    private final class LoudSession: WebSocketSession {
        private let events: SessionEvents
        private var connection: WebSocketConnection?

        init(events: SessionEvents) {
            self.events = events
        }

        func opened(_ connection: WebSocketConnection) {
            self.connection = connection
        }

        func received(text: ByteBuffer) {
            self.connection?.write(text: ByteBuffer(repeating: 0x61, count: 1 << 20))
        }

        func drain() { self.connection?.close(code: .goingAway) }
        func closed() { self.events.record(.closed) }
    }

    @Test func aWebSocketThatReadsNothingIsCut() async throws {
        var options = TestServer.Options()
        options.peers.writeTimeout = .seconds(1)
        options.makeSession = { _, events in LoudSession(events: events) }
        try await withTestServer(options) { server in
            let socket = try BareSocket(port: server.port, receiveBytes: 4096)
            try socket.send((RawClient.handshake + ["", ""]).joined(separator: "\r\n"))

            for _ in 0..<16 { try socket.send(bytes: clientFrame(.text, Array("more".utf8))) }

            await server.events.wait(for: .closed)
            withExtendedLifetime(socket) {}
        }
    }

    @Test func aStreamThatReadsNothingIsCut() async throws {
        var options = StreamTestServer.Options()
        options.peers.writeTimeout = .seconds(1)
        options.stream.outboundBytes = 32 << 20
        options.onText = { _, connection, _ in
            for _ in 0..<16 { connection.write(unit: ByteBuffer(repeating: 0x61, count: 1 << 20)) }
        }
        try await withStreamServer(options) { server in
            let socket = try BareSocket(port: server.port, receiveBytes: 4096)
            try socket.send("more")

            await server.events.wait(for: .closed)
            withExtendedLifetime(socket) {}
        }
    }

    @Test func oneConnectionTooManyIsClosedAndThereIsRoomAgain() async throws {
        var options = TestServer.Options()
        options.peers.connections = 2
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { first in
                try await first.openWebSocket()
                try await withRawClient(port: server.port) { second in
                    try await second.openWebSocket()
                    let third = try BareSocket(port: server.port)
                    #expect(try await third.receive() == [])
                    try await second.send(text: "still served")
                    #expect(try await second.readFrame().text == "still served")
                }
                // The server hears of the end a little later.
                var isServed = false
                while !isServed {
                    isServed = try await withRawClient(port: server.port) { third in
                        (try? await third.openWebSocket()) != nil
                    }
                }
            }
        }
    }

    @Test func oneStreamTooManyIsClosed() async throws {
        var options = StreamTestServer.Options()
        options.peers.connections = 1
        try await withStreamServer(options) { server in
            let first = try BareSocket(port: server.port)
            try first.send("hello")
            #expect(try await first.receiveText() == "hello")

            #expect(try await BareSocket(port: server.port).receive() == [])

            try first.send("again")
            #expect(try await first.receiveText() == "again")
        }
    }
}

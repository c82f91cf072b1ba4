// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct WebSocketBinaryTests {
    /// Sends back what it gets, in the kinds that it takes, and says on demand what the peer has acknowledged.
    private final class MirrorSession: WebSocketSession {
        let acceptedMessages: WebSocketMessageKinds
        private let events: SessionEvents
        private var connection: WebSocketConnection?

        init(accepting kinds: WebSocketMessageKinds, events: SessionEvents) {
            self.acceptedMessages = kinds
            self.events = events
        }

        func opened(_ connection: WebSocketConnection) {
            self.connection = connection
            self.events.record(.writable(connection.isAcknowledged))
        }

        func received(text: ByteBuffer) {
            self.connection?.write(text: text)
        }

        func received(binary: ByteBuffer) {
            guard let connection = self.connection else { return }
            switch binary.readableBytes {
            case 0:
                self.report()
            case 1:
                // More than both sockets can hold.
                for _ in 0..<24 { connection.write(binary: ByteBuffer(repeating: 0, count: 1 << 20)) }
                self.report()
                connection.flush()
            case 2:
                connection.write(frame: PreparedFrame(binary: binary))
            default:
                connection.write(binary: binary)
            }
        }

        private func report() {
            guard let connection = self.connection else { return }
            let acknowledged = connection.acknowledgedBytes
            let isConsistent = connection.isAcknowledged == (acknowledged == connection.writtenBytes)
            self.events.record(.writable(connection.isAcknowledged && isConsistent))
        }

        func drain() { self.connection?.close(code: .goingAway) }

        func closed() {
            self.report()
            self.events.record(.closed)
            self.connection = nil
        }
    }

    private func options(accepting kinds: WebSocketMessageKinds) -> TestServer.Options {
        var options = TestServer.Options()
        options.makeSession = { _, events in MirrorSession(accepting: kinds, events: events) }
        return options
    }

    @Test func binaryMessagesOfAnyBytesPass() async throws {
        try await withTestServer(self.options(accepting: .binary)) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
                let bytes = (0..<9000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                for payload in [Array(bytes[..<3]), Array(bytes[..<4096]), bytes, [0xFF, 0xFE]] {
                    try await client.send(clientFrame(.binary, payload))
                    #expect(try await client.readFrame() == RawClient.Frame(opcode: 2, payload: payload))
                }

                try await client.send(
                    clientFrame(.binary, Array(bytes[..<10]), isFinal: false)
                        + clientFrame(.continuation, Array(bytes[10..<200]), isFinal: false)
                        + clientFrame(.continuation, Array(bytes[200..<5000])))

                #expect(try await client.readFrame() == RawClient.Frame(opcode: 2, payload: Array(bytes[..<5000])))
            }
        }
    }

    @Test(arguments: [(WebSocketMessageKinds.binary, ClientOpcode.text), (.text, .binary)])
    func otherKindIsRefused(accepted: WebSocketMessageKinds, sent: ClientOpcode) async throws {
        try await withTestServer(self.options(accepting: accepted)) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
                try await client.send(clientFrame(sent, Array("text".utf8)))

                #expect(try await client.readFrame().closeCode == 1003)
            }
        }
    }

    @Test func bothKindsCanBeTaken() async throws {
        try await withTestServer(self.options(accepting: [.text, .binary])) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
                try await client.send(clientFrame(.text, Array("text".utf8)))
                #expect(try await client.readFrame() == RawClient.Frame(opcode: 1, payload: Array("text".utf8)))
                try await client.send(clientFrame(.binary, [0xFF, 0, 1]))
                #expect(try await client.readFrame() == RawClient.Frame(opcode: 2, payload: [0xFF, 0, 1]))
                // Only text must be UTF-8, also behind a binary message.
                try await client.send(clientFrame(.text, [0xFF, 0, 1]))
                #expect(try await client.readFrame().closeCode == 1007)
            }
        }
    }

    @Test func acknowledgementIsKnown() async throws {
        try await withTestServer(self.options(accepting: .binary)) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
                await server.events.wait(for: .writable(true))
                try await client.send(clientFrame(.binary, [1, 2, 3]))
                #expect(try await client.readFrame().payload == [1, 2, 3])
                // What the client sends now acknowledges all that it has received.
                try await client.send(clientFrame(.binary))
                #expect(await server.events.next() == .writable(true))

                try await client.send(clientFrame(.binary, [1]))
                #expect(await server.events.next() == .writable(false))
                for _ in 0..<24 { #expect(try await client.readFrame().payload.count == 1 << 20) }

                try await client.send(clientFrame(.close, [0x03, 0xE8]))
                #expect(try await client.readFrame().closeCode == 1000)
            }
            // The session still knows it when the connection is gone; the close frame crosses with the peer's end.
            await server.events.wait(for: .closed)
        }
    }
}

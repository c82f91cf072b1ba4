// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Transport

/// Limits, and the same over TLS.
@Suite(.timeLimit(.minutes(10)))
struct StreamLimitTests {
    @Test func oneConnectionTooManyIsClosed() async throws {
        var options = StreamTestServer.Options()
        options.stream.maximumConnections = 2
        try await withStreamServer(options) { server in
            let first = try BareSocket(port: server.port)
            await server.events.wait(for: .opened)
            do {
                let second = try BareSocket(port: server.port)
                await server.events.wait(for: .opened)
                let third = try BareSocket(port: server.port)

                #expect(try await third.receive() == [])
                try second.send("quit")
                #expect(try await second.receiveText() == "quit")
            }
            await server.events.wait(for: .closed)
            // The session hears of the end a moment before the connection is counted out.
            var answer = ""
            while answer.isEmpty {
                let fourth = try BareSocket(port: server.port)
                try fourth.send("hello")
                answer = (try? await fourth.receiveText()) ?? ""
            }
            #expect(answer == "hello")
            try first.send("still here")
            #expect(try await first.receiveText() == "still here")
        }
    }

    @Test func serverLoadLimitsConnections() async throws {
        var options = StreamTestServer.Options()
        options.load = ServerLoad(maximumConcurrency: 2)
        try await withStreamServer(options) { server in
            let first = try BareSocket(port: server.port)
            await server.events.wait(for: .opened)

            let second = try BareSocket(port: server.port)

            #expect(try await second.receive() == [])
            try first.send("hello")
            #expect(try await first.receiveText() == "hello")
        }
    }

    @Test func peerThatSendsNothingIsCut() async throws {
        var options = StreamTestServer.Options()
        options.stream.firstBytesTimeout = .milliseconds(10)
        try await withStreamServer(options) { server in
            let talking = try BareSocket(port: server.port)
            try talking.send("hello")
            #expect(try await talking.receiveText() == "hello")
            let silent = try BareSocket(port: server.port)

            #expect(try await silent.receive() == [])

            try talking.send("again")
            #expect(try await talking.receiveText() == "again")
        }
    }

    @Test func idleConnectionIsClosed() async throws {
        var options = StreamTestServer.Options()
        options.stream.idleTimeout = .milliseconds(10)
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("hello")
            #expect(try await client.receiveText() == "hello")

            #expect(try await client.receive() == [])
        }
    }

    @Test func inputThatIsHeldCountsAgainstTheBudget() async throws {
        let (connections, source) = AsyncStream.makeStream(of: StreamConnection.self)
        var options = StreamTestServer.Options()
        options.inboundBytes = 1000
        options.onOpened = { source.yield($0) }
        options.onText = { _, connection, _ in connection.pauseReading() }
        try await withStreamServer(options) { server in
            let registry = server.registry
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: server.port).get()
            _ = await connections.first { _ in true }

            // Reading stops with the first bytes, so what is held is what one read event brought after them: most often
            // nothing.
            for _ in 0..<32 { try? await channel.writeAndFlush(ByteBuffer(repeating: 0x61, count: 64 * 1024)).get() }

            #expect(registry.inboundBudget.usedBytes <= 1000)
            try? await channel.close().get()
        }
    }

    @Test func acceptedSocketsAreSetUp() async throws {
        let registry = ConnectionRegistry(group: MultiThreadedEventLoopGroup.singleton)
        let settings = StreamChannel.Settings(
            options: StreamOptions(), isSecure: false, registry: registry, load: ServerLoad(),
            makeSession: { _ in ScriptedSession(events: SessionEvents(), options: .init()) })
        let (accepted, source) = AsyncStream.makeStream(of: StreamChannel.Value.self)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                StreamChannel(settings: settings).setup(channel: channel, logger: Logger(label: "test"))
                    .map { _ = source.yield($0) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try BareSocket(port: server.localAddress?.port ?? 0)
        // A connection that nobody serves is closed: the value stands for its being served.
        let value = try #require(await accepted.first { _ in true })
        defer { withExtendedLifetime(value) {} }
        let channel = value.channel

        #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() == 1)
        #expect(try await channel.getOption(.tcpOption(.tcp_nodelay)).get() != 0)

        try await server.close().get()
        try await channel.close().get()
        withExtendedLifetime(client) {}
    }

    // MARK: TLS

    private func tls() throws -> (server: TLSConfiguration, client: NIOSSLContext, TestCertificates) {
        let certificates = try TestCertificates()
        let server = try TLSOptions(
            certificateFile: certificates.file("server.pem"), keyFile: certificates.file("server.key")
        ).makeConfiguration()
        var client = TLSConfiguration.makeClientConfiguration()
        client.trustRoots = .file(certificates.file("ca.pem"))
        return (server, try NIOSSLContext(configuration: client), certificates)
    }

    @Test(arguments: [nil, TimeAmount.milliseconds(10)])
    func unitsAreWrittenAndReportedOverTLS(spacing: TimeAmount?) async throws {
        let tls = try self.tls()
        var options = StreamTestServer.Options()
        options.tls = tls.server
        options.stream.spacing = spacing
        // Written before the handshake.
        options.onOpened = { connection in
            connection.write(unit: ByteBuffer(string: "welcome, "))
            connection.flush()
        }
        options.onText = { _, connection, _ in
            for unit in ["one, ", "two, ", "three"] { connection.write(unit: ByteBuffer(string: unit)) }
            connection.close()
        }
        try await withStreamServer(options) { server in
            try await withRawClient(port: server.port, tls: tls.client) { client in
                try await client.send(Array("go".utf8))

                #expect(String(decoding: await client.readToEnd(), as: UTF8.self) == "welcome, one, two, three")
            }
            var acknowledged = 0
            while let event = await server.events.next(), event != .closed {
                if case .acknowledged(let count) = event { acknowledged += count }
            }
            // The peer's close notice may be the first that is heard of its end, and then closes at once.
            #expect(acknowledged == 4)
        }
    }

    @Test func clientWithoutTLSIsCut() async throws {
        let tls = try self.tls()
        var options = StreamTestServer.Options()
        options.tls = tls.server
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("This is no handshake.")

            await server.events.wait(for: .closed)
            withExtendedLifetime(client) {}
        }
    }

    @Test func clientThatNeverBeginsTheHandshakeIsCut() async throws {
        let tls = try self.tls()
        var options = StreamTestServer.Options()
        options.tls = tls.server
        options.stream.firstBytesTimeout = .milliseconds(10)
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)

            #expect(try await client.receive() == [])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOSSL
import Testing

@testable import Transport

/// Connections through a proxy that says where they come from, over real sockets.
@Suite(.timeLimit(.minutes(10)))
struct ProxyProtocolTests {
    private func trusting(_ range: String, timeout: TimeAmount = .seconds(60)) throws -> TrustedProxies {
        var proxies = TrustedProxies(ranges: [try #require(IPRange(range))], sendsProxyHeader: true)
        proxies.headerTimeout = timeout
        return proxies
    }

    /// A stream listener whose sessions say where they come from.
    private func streamOptions(_ proxies: TrustedProxies) -> StreamTestServer.Options {
        var options = StreamTestServer.Options()
        options.stream.proxies = proxies
        options.onText = { _, connection, text in
            connection.write(unit: ByteBuffer(string: "\(connection.remoteAddress?.ipAddress ?? "nobody") \(text)"))
        }
        return options
    }

    @Test func streamSessionSeesThePerson() async throws {
        try await withStreamServer(streamOptions(try trusting("127.0.0.0/8"))) { server in
            try await withRawClient(port: server.port) { client in
                // Byte by byte, the first words behind it.
                for byte in ProxyHeaderTests.header() { try await client.send([byte]) }
                try await client.send(Array("hello".utf8))
                client.finishWriting()

                #expect(String(decoding: await client.readToEnd(), as: UTF8.self) == "192.0.2.1 hello")
            }
        }
    }

    @Test func wordsInTheSameReadAreNotLost() async throws {
        try await withStreamServer(streamOptions(try trusting("127.0.0.0/8"))) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(ProxyHeaderTests.header() + Array("hello".utf8))
                client.finishWriting()

                #expect(String(decoding: await client.readToEnd(), as: UTF8.self) == "192.0.2.1 hello")
            }
        }
    }

    @Test func healthCheckOfTheProxyIsItself() async throws {
        try await withStreamServer(streamOptions(try trusting("127.0.0.0/8"))) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(ProxyHeaderTests.header(0x20, 0, []) + Array("hello".utf8))
                client.finishWriting()

                #expect(String(decoding: await client.readToEnd(), as: UTF8.self) == "127.0.0.1 hello")
            }
        }
    }

    @Test func connectionOfAProxyWithoutAHeaderIsClosed() async throws {
        try await withStreamServer(streamOptions(try trusting("127.0.0.0/8"))) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(Array("hello".utf8))

                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func headerThatDoesNotComeEndsTheConnection() async throws {
        let proxies = try trusting("127.0.0.0/8", timeout: .milliseconds(1))
        try await withStreamServer(streamOptions(proxies)) { server in
            try await withRawClient(port: server.port) { client in
                try? await client.send(Array(ProxyHeaderTests.header().dropLast()))

                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func nobodyElseIsBelieved() async throws {
        // The peer is 127.0.0.1, which is not among the proxies: what it sends is its own words.
        try await withStreamServer(streamOptions(try trusting("10.0.0.0/8"))) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(ProxyHeaderTests.header() + Array("hello".utf8))
                client.finishWriting()

                let answer = String(decoding: await client.readToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("127.0.0.1 \r\n\r\n"))
                #expect(answer.hasSuffix("hello"))
            }
        }
    }

    @Test func theServerStopsWhileAHeaderIsAwaited() async throws {
        try await withStreamServer(streamOptions(try trusting("127.0.0.0/8"))) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send([0x0d])
                await server.stop()

                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test(arguments: [false, true]) func httpAndWebSocketSeeThePerson(underTLS: Bool) async throws {
        var options = TestServer.Options()
        options.http.proxies = try trusting("127.0.0.0/8")
        options.responder = { request, writer, _ in
            let client = request.headers[.init("X-Forwarded-For") ?? .from] ?? "nobody"
            let response = Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: client)))
            try await writer.write(response: response.head, body: response.body)
        }
        options.makeSession = { handshake, events in
            events.record(.text(handshake.remoteAddress?.ipAddress ?? "nobody"))
            return EchoSession(events: events)
        }
        var context: NIOSSLContext?
        let certificates = try TestCertificates()
        if underTLS {
            options.tls = try TLSOptions(
                certificateFile: certificates.file("server.pem"), keyFile: certificates.file("server.key")
            ).makeConfiguration()
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(certificates.file("ca.pem"))
            context = try NIOSSLContext(configuration: configuration)
        }
        let tls = context
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port, tls: tls, before: ProxyHeaderTests.header()) { client in
                try await client.send(request: HTTPConnectionTests.get("/"))
                #expect(try await client.readResponse().body == "192.0.2.1")
                try await client.openWebSocket()
                await server.events.wait(for: .text("192.0.2.1"))
            }
        }
    }

    /// The proxy itself is on this machine, whose addresses have no such limit.
    @Test func aPersonBehindTheProxyHasSoManyStreams() async throws {
        var options = streamOptions(try trusting("127.0.0.0/8"))
        options.peers.connectionsPerAddress = 1
        let other: [UInt8] = [192, 0, 2, 2] + ProxyHeaderTests.version4.dropFirst(4)
        try await withStreamServer(options) { server in
            let first = try BareSocket(port: server.port)
            try first.send(bytes: ProxyHeaderTests.header() + Array("hello".utf8))
            #expect(try await first.receiveText() == "192.0.2.1 hello")

            let second = try BareSocket(port: server.port)
            try second.send(bytes: ProxyHeaderTests.header())
            #expect(try await second.receive() == [])

            let third = try BareSocket(port: server.port)
            try third.send(bytes: ProxyHeaderTests.header(0x21, 0x11, other) + Array("hello".utf8))
            #expect(try await third.receiveText() == "192.0.2.2 hello")
            try first.send("again")
            #expect(try await first.receiveText() == "192.0.2.1 again")
        }
    }

    @Test func aPersonBehindTheProxyHasSoManyHTTPConnections() async throws {
        var options = TestServer.Options()
        options.http.proxies = try trusting("127.0.0.0/8")
        options.peers.connectionsPerAddress = 1
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port, before: ProxyHeaderTests.header()) { first in
                try await first.openWebSocket()
                let second = try BareSocket(port: server.port)
                try second.send(bytes: ProxyHeaderTests.header())
                #expect(try await second.receive() == [])
                try await first.send(text: "still served")
                #expect(try await first.readFrame().text == "still served")
            }
        }
    }

    /// Which person it is says the request that opens the WebSocket.
    @Test func aForwardedPersonHasSoManyWebSockets() async throws {
        var options = TestServer.Options()
        options.http.proxies = TrustedProxies(ranges: [try #require(IPRange("127.0.0.1"))])
        options.peers.connectionsPerAddress = 1
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { first in
                try await first.send(request: RawClient.handshake + ["X-Forwarded-For: 192.0.2.1"])
                #expect(try await first.readHead().contains("101"))
                try await withRawClient(port: server.port) { second in
                    try await second.send(request: RawClient.handshake + ["X-Forwarded-For: 192.0.2.1"])
                    #expect((try? await second.readHead())?.contains("101") != true)
                }
                try await withRawClient(port: server.port) { third in
                    try await third.send(request: RawClient.handshake + ["X-Forwarded-For: 192.0.2.2"])
                    #expect(try await third.readHead().contains("101"))
                }
                try await first.send(text: "still served")
                #expect(try await first.readFrame().text == "still served")
            }
        }
    }

    @Test func forwardedAddressReachesTheSession() async throws {
        var options = TestServer.Options()
        options.http.proxies = TrustedProxies(ranges: [try #require(IPRange("127.0.0.1"))])
        options.makeSession = { handshake, events in
            events.record(.text(handshake.remoteAddress?.ipAddress ?? "nobody"))
            return EchoSession(events: events)
        }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: RawClient.handshake + ["X-Forwarded-For: 203.0.113.5, 192.0.2.1"])
                _ = try await client.readHead()
                await server.events.wait(for: .text("192.0.2.1"))
            }
        }
    }
}

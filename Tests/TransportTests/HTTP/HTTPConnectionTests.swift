// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import TestSupport
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct HTTPConnectionTests {
    static func get(_ path: String, _ headers: String...) -> [String] {
        ["GET \(path) HTTP/1.1", "Host: localhost"] + headers
    }

    @Test func requestsAreServedOneAfterAnother() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                let requests = ["/a", "/b", "/c"].map { Self.get($0).joined(separator: "\r\n") + "\r\n\r\n" }
                try await client.send(Array(requests.joined().utf8))

                for path in ["/a", "/b", "/c"] {
                    let response = try await client.readResponse()
                    #expect(response.head.hasPrefix("HTTP/1.1 200 "))
                    #expect(response.body == path)
                }
            }
        }
    }

    @Test func tcpLooksForDeadPeers() async throws {
        var options = TestServer.Options()
        options.responder = { _, writer, channel in
            let isOn = try await channel.getOption(.socketOption(.so_keepalive)).get()
            let response = Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "\(isOn)")))
            try await writer.write(response: response.head, body: response.body)
        }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/"))

                #expect(try await client.readResponse().body == "1")
            }
        }
    }

    @Test func requestsForAWebSocketGetTheirLineInTheLog() async throws {
        let log = LogCapture()
        var options = TestServer.Options()
        options.http.upgradeLog = log.logger(.info)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
            }
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/ws?token=secret"))
                _ = try await client.readResponse()
            }
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/page"))
                _ = try await client.readResponse()
            }
        }

        #expect(log.lines == ["info GET /ws 101 address=127.0.0.1", "info GET /ws 426 address=127.0.0.1"])
    }

    @Test func upgradeMayComeAfterARequest() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/page"))
                #expect(try await client.readResponse().body == "/page")

                try await client.openWebSocket()
                try await client.send(text: "hello")

                #expect(try await client.readFrame().text == "hello")
            }
            await server.events.wait(for: .closed)
        }
    }

    // spec: RFC 6455 §4.2.1, §4.2.2
    @Test(arguments: [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "426"),
        ("Sec-WebSocket-Version: 13", "X-Nothing: 1", "426"),
        ("Upgrade: websocket", "Upgrade: h2c", "426"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "X-Nothing: 1", "400"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", "400"),
        ("Connection: Upgrade", "Connection: keep-alive", "400"),
        ("Host: localhost", "X-Nothing: 1", "400"),
        ("GET /ws HTTP/1.1", "POST /ws HTTP/1.1", "400"),
    ])
    func badHandshakeIsRefused(line: String, replacement: String, status: String) async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: RawClient.handshake.map { $0 == line ? replacement : $0 })

                let head = try await client.readResponse().head
                #expect(head.hasPrefix("HTTP/1.1 \(status) "))
                #expect(head.contains("Sec-WebSocket-Version: 13") == (status == "426"))
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func brokenRequestGets400AndLargeHeadersGet431() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(Array("nonsense\r\n\r\n".utf8))
                #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 400 "))
                #expect(await client.readToEnd() == [])
            }
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/", "X-Large: " + String(repeating: "x", count: 20_000)))
                #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 431 "))
            }
        }
    }

    @Test(arguments: ["", "GET / HTTP/1.1\r\nHost: loc"])
    func headThatNeverEndsIsCut(bytes: String) async throws {
        var options = TestServer.Options()
        options.http.headTimeout = .milliseconds(50)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                // On a busy machine the connection may be cut before the bytes are sent.
                try? await client.send(Array(bytes.utf8))

                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func idleConnectionIsClosedAfterTheKeepAliveTimeout() async throws {
        var options = TestServer.Options()
        options.http.keepAliveTimeout = .milliseconds(50)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/"))
                #expect(try await client.readResponse().body == "/")

                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test(arguments: [["GET / HTTP/1.0"], ["GET / HTTP/1.1", "Host: localhost", "Connection: close"]])
    func connectionEndsWhenTheClientWishes(request: [String]) async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: request)

                #expect(try await client.readResponse().body == "/")
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func requestOfAHalfClosedPeerIsAnswered() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/half"))
                client.finishWriting()

                #expect(try await client.readResponse().body == "/half")
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func upgradeHeaderOnAnOrdinaryPathIsServedAndEndsTheConnection() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/page", "Connection: Upgrade", "Upgrade: h2c"))

                let response = try await client.readResponse()
                #expect(response.body == "/page")
                #expect(response.head.lowercased().contains("connection: close"))
                #expect(await client.readToEnd() == [])
            }
        }
    }

    // The connection that asks counts, as uvicorn has it: with a limit of 2 the second one is refused.
    @Test func requestsAndUpgradesPastTheConcurrencyLimitGet503() async throws {
        var options = TestServer.Options()
        options.maximumConcurrency = 2
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { first in
                try await first.openWebSocket()

                try await withRawClient(port: server.port) { second in
                    try await second.send(request: Self.get("/"))
                    let response = try await second.readResponse()
                    #expect(response.head.hasPrefix("HTTP/1.1 503 "))
                    #expect(response.body == "Service Unavailable")
                    #expect(await second.readToEnd() == [])
                }
                try await withRawClient(port: server.port) { third in
                    try await third.send(request: RawClient.handshake)
                    #expect(try await third.readResponse().head.hasPrefix("HTTP/1.1 503 "))
                }

                try await first.send(text: "still here")
                #expect(try await first.readFrame().text == "still here")
            }
            #expect(server.load.totalRequests == 1)
        }
    }

    @Test func lastAllowedRequestIsReportedOnceAndServed() async throws {
        var options = TestServer.Options()
        options.maximumRequests = 3
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                for path in ["/1", "/2"] {
                    try await client.send(request: Self.get(path))
                    #expect(try await client.readResponse().body == path)
                }
                try await client.openWebSocket()
                await server.events.wait(for: .lastRequest)

                try await client.send(text: "served")
                #expect(try await client.readFrame().text == "served")
            }
            #expect(server.load.totalRequests == 3)
        }
    }

    // The address would be compared with the routes, and a field with words, as `String`.
    @Test(arguments: ["/\u{436}", "/?\u{301}", "/ws\u{315}\u{316}"]) func addressThatIsNotASCIIGets400(
        path: String
    ) async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get(path))

                #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 400 "))
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func fieldThatIsNotASCIIIsNotThere() async throws {
        var options = TestServer.Options()
        options.responder = { request, writer, _ in
            let names = request.headers.map(\.name.canonicalName).joined(separator: " ")
            let response = Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: names)))
            try await writer.write(response: response.head, body: response.body)
        }
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: Self.get("/", "A: plain", "Cookie: a=\u{436}", "B: a\u{315}\u{316}"))

                let names = try await client.readResponse().body.split(separator: " ")
                #expect(names.contains("a") && !names.contains("b") && !names.contains("cookie"))
            }
        }
    }
}

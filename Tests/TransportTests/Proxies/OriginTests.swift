// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import NIOCore
import Testing

@testable import Transport

/// Handshakes of web pages, over real sockets.
@Suite(.timeLimit(.minutes(10)))
struct OriginTests {
    private func answer(
        _ headers: [String], host: String = "127.0.0.1", options: TestServer.Options = TestServer.Options()
    ) async throws -> String {
        var head = ""
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                let lines = RawClient.handshake.map { line in
                    line.hasPrefix("Host:") ? "Host: \(host):\(server.port)" : line
                }
                let own = headers.map { $0.replacing("PORT", with: "\(server.port)") }
                try await client.send(request: lines + own)
                head = try await client.readHead()
            }
        }
        return String(head.prefix { $0 != "\r\n" })
    }

    @Test func whoIsNoBrowserMayConnect() async throws {
        #expect(try await answer([]) == "HTTP/1.1 101 Switching Protocols")
    }

    @Test(arguments: ["127.0.0.1", "localhost"]) func ownPageMayConnect(host: String) async throws {
        #expect(try await answer(["Origin: http://\(host):PORT"], host: host).hasPrefix("HTTP/1.1 101 "))
    }

    @Test(arguments: [
        "http://evil.example", "https://127.0.0.1:PORT", "http://127.0.0.1", "http://localhost:PORT", "null", "", "*",
        "http://127.0.0.1:PORT/", "http://127.0.0.1:PORT, http://evil.example",
    ]) func pageOfAnotherPlaceMayNot(origin: String) async throws {
        #expect(try await answer(["Origin: \(origin)"]) == "HTTP/1.1 403 Forbidden")
    }

    @Test func twoOriginsAreRefused() async throws {
        #expect(try await answer(["Origin: http://127.0.0.1:PORT", "Origin: http://127.0.0.1:PORT"]).contains("403"))
    }

    @Test func nameThatPointsToThisMachineIsNotItsOwn() async throws {
        // What a page does whose name server changes its mind (DNS rebinding).
        #expect(try await answer(["Origin: http://evil.example:PORT"], host: "evil.example").contains("403"))
    }

    @Test func listedPageMayConnect() async throws {
        var options = TestServer.Options()
        options.http.origins = OriginPolicy(allowed: [try #require(WebOrigin("https://chat.example.org"))])

        #expect(try await answer(["Origin: https://chat.example.org"], options: options).contains("101"))
        #expect(try await answer(["Origin: http://chat.example.org"], options: options).contains("403"))
    }

    @Test func behindATrustedProxyTheOutsideCounts() async throws {
        var options = TestServer.Options()
        options.http.proxies = TrustedProxies(ranges: [try #require(IPRange("127.0.0.1"))])
        let origin = "Origin: https://chat.example.org:PORT"

        #expect(
            try await answer([origin, "X-Forwarded-Proto: https"], host: "chat.example.org", options: options)
                .contains("101"))
        #expect(try await answer([origin], host: "chat.example.org", options: options).contains("403"))
    }
}

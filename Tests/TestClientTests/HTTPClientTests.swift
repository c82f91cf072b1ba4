// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import TestClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct HTTPClientTests {
    @Test func aPageIsFetched() async throws {
        var script = ScriptedServer.Script()
        script.status = .serviceUnavailable
        script.body = #"{"check":"database"}"#
        try await ScriptedServer.run(script) { server in
            let answer = try await HTTPClient.get(server.url("http", path: "/readyz?a=b"), accept: "application/json")

            #expect(answer.status == 503)
            #expect(answer.text == #"{"check":"database"}"#)
            #expect(answer[header: "x-path"] == "/readyz?a=b")
            #expect(answer[header: "X-Accept"] == "application/json")
            #expect(answer[header: "X-Host"] == "127.0.0.1:\(server.port)")
            #expect(answer[header: "X-None"] == nil)
        }
    }

    @Test func aBodyOverTheLimitIsRefused() async throws {
        var script = ScriptedServer.Script()
        script.body = String(repeating: "a", count: 5000)
        var options = ClientOptions()
        options.maximumMessageBytes = 4999
        try await ScriptedServer.run(script) { server in
            await #expect(throws: ClientError.messageTooLarge(limit: 4999)) {
                try await HTTPClient.get(server.url("http"), options: options)
            }
            let answer = try await HTTPClient.get(server.url("http"))
            #expect(answer.body.count == 5000)
        }
    }

    @Test func brokenServersAreNamed() async throws {
        try await ScriptedServer.run(raw: "hello\r\n") { server in
            await #expect(throws: ClientError.protocolViolation("its answer is not HTTP")) {
                try await HTTPClient.get(server.url("http"))
            }
        }
        try await ScriptedServer.run(raw: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", thenCloses: true) {
            server in
            await #expect(throws: ClientError.self) { try await HTTPClient.get(server.url("http")) }
        }
        await #expect(throws: ClientError.self) { try await HTTPClient.get("ws://127.0.0.1/") }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestClient
import TestSupport
import Testing

@testable import Web

/// What is below `/admin/api/` is handed over as it came, and its answer goes back.
@Suite(.timeLimit(.minutes(10)))
struct APITests {
    /// Remembers the calls, and answers with what it read.
    private final class Echo: Sendable {
        let calls = Mutex<[APICall]>([])
        let limit: Int

        init(limit: Int = 100) { self.limit = limit }

        func answer(_ call: APICall) async -> APIAnswer {
            calls.withLock { $0.append(call) }
            guard call.method != "GET" else {
                return APIAnswer(status: 200, headers: [("X-Own", "yes")], body: .bytes(Array("got".utf8)))
            }
            guard let body = try? await call.body(limit) else { return APIAnswer(status: 413) }
            return APIAnswer(status: 201, body: .bytes(body))
        }
    }

    @Test func callsAreHandedOverAsTheyCame() async throws {
        let echo = Echo()
        let service = try ServiceFixture().service(api: echo.answer)
        try await withWebServer(service) { server in
            let answer = try await server.ask(
                "POST", "/admin/api/v1/a%2Fb?x=1&y=?", "Authorization: Bearer secret", "Content-Type: text/x",
                "Accept: a/b", "Accept: c/d", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https",
                "Content-Length: 5", body: "hello")

            #expect(answer.status == 201)
            #expect(answer.body == "hello")
        }
        let call = try #require(echo.calls.withLock { $0.first })
        #expect(call.method == "POST")
        #expect(call.path == "/admin/api/v1/a%2Fb")
        #expect(call.query == "x=1&y=?")
        #expect(call.authorization == "Bearer secret")
        #expect(call.contentType == "text/x")
        #expect(call.accept == "a/b,c/d")
        // What a stranger says of itself counts for nothing.
        #expect(call.address == "127.0.0.1")
        #expect(!call.isEncrypted)
    }

    @Test func bodiesAreBoundedAndTheNextRequestIsServed() async throws {
        let echo = Echo()
        let service = try ServiceFixture().service(api: echo.answer)
        try await withWebServer(service) { server in
            let long = String(repeating: "x", count: 101)
            let tooLong = try await server.ask(
                "PUT", "/admin/api/v1/x", "Content-Length: 101", body: long)
            let chunked = try await server.ask(
                "PUT", "/admin/api/v1/x", "Transfer-Encoding: chunked", body: "65\r\n\(long)\r\n0\r\n\r\n")
            let two = try await server.exchange(
                "PUT /admin/api/v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
                    + "GET /admin/api/v1/y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

            #expect(tooLong.status == 413)
            #expect(chunked.status == 413)
            #expect(two.contains("201"))
            #expect(two.contains("\r\n\r\noneHTTP/1.1 200 OK"))
            #expect(two.hasSuffix("got"))
            #expect(two.lowercased().contains("x-own: yes"))
        }
    }

    @Test func streamIsWrittenPartByPart() async throws {
        let service = try ServiceFixture().service(api: { _ in
            APIAnswer(
                status: 200, headers: [("Content-Type", "text/event-stream")],
                body: .stream { write in for part in ["one", "two"] { try await write(Array(part.utf8)) } })
        })
        try await withWebServer(service) { server in
            let answer = try await HTTPClient.get(server.url + "/admin/api/v1/jobs")

            #expect(answer.text == "onetwo")
            #expect(answer[header: "content-type"] == "text/event-stream")
        }
    }

    @Test func withoutAnAPIThereIsNoSuchPage() async throws {
        try await withWebServer(ServiceFixture().service()) { server in
            let answer = try await HTTPClient.get(server.url + "/admin/api/v1/users")
            #expect(answer.status == 404)
        }
        let echo = Echo()
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service(logsRequests: true, api: echo.answer)) { server in
            let other = try await HTTPClient.get(server.url + "/admin/apix")
            let served = try await HTTPClient.get(server.url + "/admin/api/v1/users?token=secret")
            #expect(other.status == 404)
            #expect(served.status == 200)
        }
        #expect(echo.calls.withLock { $0.count } == 1)
        #expect(fixture.log.lines.contains { $0.hasPrefix("info GET /admin/api/v1/users 200") })
    }
}

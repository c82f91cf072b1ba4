// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import Logging
import Synchronization
import TestClient
import TestSupport
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(10)))
struct WebServiceTests {
    // MARK: Log

    @Test func requestsGetALineWithoutTheirQuery() async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service(logsRequests: true)) { server in
            for probe in ["/livez", "/readyz", "/health", "/version"] {
                _ = try await HTTPClient.get(server.url + probe)
            }
            _ = try await HTTPClient.get(server.url + "/nowhere?token=secret")
            _ = try await HTTPClient.get(server.url + "/")
        }

        #expect(
            fixture.log.lines.filter { $0.hasPrefix("info") } == [
                "info GET /nowhere 404 address=127.0.0.1 milliseconds=0",
                "info GET / 200 address=127.0.0.1 milliseconds=0",
            ])
    }

    // MARK: Chat

    @Test func chatIsServedWithItsFilesAndRunsNothingElse() async throws {
        try await withWebServer(ServiceFixture().service(servesChat: true)) { server in
            let page = try await HTTPClient.get(server.url + "/chat")
            #expect(page.status == 200)
            #expect(page[header: "content-type"] == "text/html; charset=utf-8")
            #expect(page.text.contains("src=\"/chat/chat.js\""))
            for (file, type) in [
                ("chat.css", "text/css"), ("chat.js", "text/javascript"), ("connection.js", "text/javascript"),
                ("conversations.js", "text/javascript"), ("messages.js", "text/javascript"),
                ("page.js", "text/javascript"), ("pictures.js", "text/javascript"), ("texts.js", "text/javascript"),
            ] {
                let answer = try await HTTPClient.get(server.url + "/chat/" + file)
                #expect(answer.status == 200)
                #expect(answer[header: "content-type"] == type + "; charset=utf-8")
                #expect(answer[header: "content-security-policy"]?.contains("script-src 'self';") == true)
            }
            #expect(try await server.ask("POST", "/chat").status == 405)
            #expect(try await HTTPClient.get(server.url + "/chat/chat.html").status == 404)
            let home = try await HTTPClient.get(server.url + "/").text
            #expect(home.contains("href=\"/chat\""))
        }
    }

    @Test func maintenanceIsSaidWhereClientsWouldBeServed() async throws {
        let service = try ServiceFixture(status: .in(.maintenance)).service(closedPaths: ["/ws", "/chat"])
        try await withWebServer(service) { server in
            for path in ["/ws", "/ws?x=1", "/chat"] {
                let page = try await HTTPClient.get(server.url + path)
                #expect(page.status == 503 && page[header: "retry-after"] == "60")
                #expect(page[header: "content-type"] == "text/html; charset=utf-8")
                #expect(page.text.contains("The server is in maintenance"))
            }
            let answer = try await server.ask("GET", "/ws", "Accept: application/json")
            #expect(answer.status == 503 && answer.body == #"{"version":1,"error":"maintenance"}"#)
            #expect(try await server.ask("POST", "/chat").status == 405)
            #expect(try await HTTPClient.get(server.url + "/skaro").status == 404)
            #expect(try await HTTPClient.get(server.url + "/").text.contains("The server is in maintenance"))
        }
    }

    @Test func homePageSaysThatItIsReadOnly() async throws {
        try await withWebServer(ServiceFixture(status: .in(.readOnly)).service(servesChat: true)) { server in
            let page = try await HTTPClient.get(server.url + "/").text
            #expect(page.contains("<h2>Read-only</h2>") && !page.contains("maintenance"))
            #expect(page.contains("href=\"/chat\""))
        }
        try await withWebServer(ServiceFixture().service()) { server in
            let page = try await HTTPClient.get(server.url + "/").text
            #expect(!page.contains("Read-only") && !page.contains("maintenance"))
        }
    }

    @Test func thereIsNoChatWithoutItsProtocol() async throws {
        try await withWebServer(ServiceFixture().service()) { server in
            #expect(try await HTTPClient.get(server.url + "/chat").status == 404)
            let home = try await HTTPClient.get(server.url + "/").text
            #expect(!home.contains("href=\"/chat\""))
        }
    }

    // MARK: Home page

    @Test func homePageIsForPeople() async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let answer = try await HTTPClient.get(server.url + "/")

            #expect(answer.status == 200)
            #expect(answer[header: "content-type"] == "text/html; charset=utf-8")
            #expect(answer[header: "x-content-type-options"] == "nosniff")
            #expect(answer[header: "vary"] == "Accept")
            let policy = try #require(answer[header: "content-security-policy"])
            #expect(policy.hasPrefix("default-src 'none'; "))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("script-src"))
            for words in [
                "<h1>Café &lt;Parley&gt;</h1>", "version 0.1.0, up for 1 day 2 hours", "ws://chat.example:8080/ws",
                "<dd>12</dd>", "<dd>3,456</dd>", "<dd>7,890,123</dd>",
            ] {
                #expect(answer.text.contains(words), "\(words)")
            }
        }
    }

    @Test func homePageIsJSONWhenAskedFor() async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let answer = try await HTTPClient.get(server.url + "/?x=1", accept: "application/json")

            #expect(answer.status == 200)
            #expect(answer[header: "content-type"] == "application/json")
            #expect(answer[header: "vary"] == "Accept")
            let expected =
                #"{"version":1,"available":true,"#
                + #""server":{"name":"Café <Parley>","version":"0.1.0","mode":"normal","uptime_seconds":93784},"#
                + #""protocols":[{"name":"MTP","address":"ws://chat.example:8080/ws"}],"#
                + #""counts":{"users":12,"flows":3456,"messages":7890123}}"#
            #expect(answer.text == expected)
            _ = try JSONValue.parse(answer.body)
        }
    }

    @Test func homePageShowsThatTheDatabaseIsAway() async throws {
        let fixture = ServiceFixture(status: nil)
        try await withWebServer(fixture.service()) { server in
            let html = try await HTTPClient.get(server.url + "/")
            let json = try await HTTPClient.get(server.url + "/", accept: "application/json")

            #expect(html.status == 503)
            #expect(html.text.contains("The database does not answer at the moment."))
            #expect(!html.text.contains("Messages"))
            #expect(json.status == 503)
            let expected = #"{"version":1,"available":false,"server":null,"protocols":[],"counts":null}"#
            #expect(json.text == expected)
        }
    }

    @Test func floodAsksForCountsOncePerSecond() async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            try await withThrowingTaskGroup(of: Int.self) { tasks in
                for number in 0..<60 {
                    let accept = number.isMultiple(of: 2) ? "text/html" : "application/json"
                    tasks.addTask { try await HTTPClient.get(server.url + "/", accept: accept).status }
                }
                for try await status in tasks { #expect(status == 200) }
            }
            #expect(fixture.state.withLock { $0.statusCalls } == 1)

            fixture.clock.advance(by: .seconds(1))
            _ = try await HTTPClient.get(server.url + "/")

            #expect(fixture.state.withLock { $0.statusCalls } == 2)
        }
    }

    // MARK: Probes

    @Test func liveIsAnsweredWithoutAnyCheckWhileOthersHang() async throws {
        let (hanging, hangingSource) = AsyncStream.makeStream(of: Void.self)
        let (started, startedSource) = AsyncStream.makeStream(of: Void.self)
        let fixture = ServiceFixture()
        let service = try WebService(
            version: "0.1.0",
            status: {
                startedSource.yield()
                for await _ in hanging {}
                return nil
            },
            readiness: { [] },
            templatesFolder: nil,
            clock: fixture.clock,
            logger: fixture.log.logger(.trace)
        )
        try await withWebServer(service) { server in
            async let page = HTTPClient.get(server.url + "/")
            for await _ in started { break }

            let answer = try await HTTPClient.get(server.url + "/livez")

            #expect(answer.status == 200)
            #expect(answer.text == #"{"version":1,"alive":true}"#)
            #expect(answer[header: "content-type"] == "application/json")
            #expect(answer[header: "cache-control"] == "no-store")
            hangingSource.finish()
            #expect(try await page.status == 503)
        }
    }

    @Test func readyNamesEveryCheckAndTheFailingOnesWithoutDetails() async throws {
        let checks = [
            ReadinessCheck(name: "database", isPassed: true, detail: "postgres.internal"),
            ReadinessCheck(name: "disk", isPassed: false, detail: "/var/lib/secret is full"),
        ]
        let fixture = ServiceFixture(checks: checks)
        try await withWebServer(fixture.service()) { server in
            let answer = try await HTTPClient.get(server.url + "/readyz")

            #expect(answer.status == 503)
            #expect(answer[header: "cache-control"] == "no-store")
            #expect(answer[header: "content-type"] == "application/json")
            let expected =
                #"{"version":1,"ready":false,"checks":[{"name":"database","passed":true},"#
                + #"{"name":"disk","passed":false}],"failed":["disk"]}"#
            #expect(answer.text == expected)
            let alias = try await HTTPClient.get(server.url + "/health")
            #expect(alias.status == 503)
            #expect(alias.text == expected)
        }
    }

    @Test func versionIsTheProgramsAndNothingElse() async throws {
        try await withWebServer(ServiceFixture().service()) { server in
            let answer = try await HTTPClient.get(server.url + "/version")

            #expect(answer.status == 200)
            #expect(answer[header: "content-type"] == "application/json")
            #expect(answer.text == #"{"name":"Parley","version":"0.1.0"}"#)
        }
    }

    @Test func readinessIsAskedForOncePerSecondAndItsChangesAreLogged() async throws {
        let fixture = ServiceFixture(checks: [ReadinessCheck(name: "disk", isPassed: false, detail: "full")])
        try await withWebServer(fixture.service()) { server in
            for _ in 0..<3 { #expect(try await HTTPClient.get(server.url + "/readyz").status == 503) }
            #expect(fixture.state.withLock { $0.readinessCalls } == 1)
            fixture.clock.advance(by: .seconds(1))
            #expect(try await HTTPClient.get(server.url + "/readyz").status == 503)
            fixture.state.withLock { $0.checks = [ReadinessCheck(name: "disk", isPassed: true)] }
            fixture.clock.advance(by: .seconds(1))

            let answer = try await HTTPClient.get(server.url + "/readyz")

            #expect(answer.status == 200)
            #expect(
                answer.text
                    == #"{"version":1,"ready":true,"checks":[{"name":"disk","passed":true}],"failed":[]}"#)
            #expect(fixture.state.withLock { $0.readinessCalls } == 3)
            #expect(fixture.state.withLock { $0.statusCalls } == 0)
            #expect(
                fixture.log.lines == [
                    "warning Readiness check fails web.check.detail=full web.check.name=disk",
                    "info Readiness check passes again web.check.name=disk",
                ])
        }
    }

    // MARK: HTTP

    @Test(arguments: ["/", "/livez", "/readyz", "/health", "/version", "/nowhere"])
    func headAnswersLikeGetWithoutABody(path: String) async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let get = try await server.ask("GET", path)
            let head = try await server.ask("HEAD", path)

            #expect(head.status == get.status)
            #expect(head.headers == get.headers)
            #expect(head.headers["content-length"] == String(get.body.utf8.count))
            #expect(head.body == "")
        }
    }

    @Test(
        arguments: ["/", "/livez", "/readyz", "/health", "/version"],
        ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
    func otherMethodsAreRefused(path: String, method: String) async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let html = try await server.ask(method, path)
            let json = try await server.ask(method, path, "Accept: application/json")

            #expect(html.status == 405)
            #expect(html.headers["allow"] == "GET, HEAD")
            #expect(html.body.contains("<h1>Method not allowed</h1>"))
            #expect(json.status == 405)
            #expect(json.body == #"{"version":1,"error":"method_not_allowed"}"#)
            #expect(fixture.state.withLock { $0.statusCalls + $0.readinessCalls } == 0)
        }
    }

    @Test(arguments: ["/nowhere", "//", "/livez/", "/%2e%2e/etc/passwd", "/<script>", "/LIVEZ"])
    func unknownPathIsNotFoundAndNotRepeated(path: String) async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let html = try await server.ask("GET", path)
            let json = try await server.ask("GET", path, "Accept: text/html;q=0.1", "Accept: application/json")

            #expect(html.status == 404)
            #expect(html.headers["content-type"] == "text/html; charset=utf-8")
            #expect(html.headers["x-content-type-options"] == "nosniff")
            #expect(html.body.contains("<h1>Not found</h1>"))
            #expect(!html.body.contains("<script>"))
            #expect(json.status == 404)
            #expect(json.body == #"{"version":1,"error":"not_found"}"#)
        }
    }

    @Test(arguments: ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
    func smallBodyIsIgnoredAndTheConnectionServesOn(body: String) async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let first = "POST / HTTP/1.1\r\nHost: localhost\r\n" + body
            let second = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

            let answers = try await server.exchange(first + second)

            #expect(answers.hasPrefix("HTTP/1.1 405 "))
            #expect(answers.hasSuffix(#"{"version":1,"alive":true}"#))
        }
    }

    @Test(arguments: [true, false])
    func largeBodyEndsTheConnectionAfterTheAnswer(isChunked: Bool) async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service()) { server in
            let size = WebService.maximumBodyBytes + 1
            let bytes = String(repeating: "x", count: size)
            // Neither request is complete, so only the bound can end the connection.
            let request =
                isChunked
                ? "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + String(size, radix: 16) + "\r\n" + bytes + "\r\n"
                : "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(size)\r\n\r\n"

            let answer = try await WebServer.Response(server.exchange(request))

            #expect(answer.status == 405)
            #expect(answer.body.contains("<h1>Method not allowed</h1>"))
            #expect(answer.headers["content-length"] == String(answer.body.utf8.count))
        }
    }

    // MARK: Templates

    @Test func operatorsTemplateIsServedAndReadAgain() async throws {
        let fixture = ServiceFixture()
        let folder = try TemplateFolder()
        try folder.write("<h1>First {{name}}</h1><style>{{> style}}</style>")
        let service = try fixture.service(templatesFolder: folder.path)
        try await withWebServer(service) { server in
            let first = try await HTTPClient.get(server.url + "/").text
            try folder.write("{{#users}}\n")
            let error = await #expect(throws: TemplateError.self) {
                try await service.reload(templatesFolder: folder.path)
            }
            let second = try await HTTPClient.get(server.url + "/").text
            try folder.write("<h1>Third {{name}}</h1>")
            try await service.reload(templatesFolder: folder.path)
            let third = try await HTTPClient.get(server.url + "/").text

            #expect(first.hasPrefix("<h1>First Café &lt;Parley&gt;</h1><style>:root {"))
            #expect(error?.path == folder.home)
            #expect(error?.line == 2)
            #expect(second == first)
            #expect(third == "<h1>Third Café &lt;Parley&gt;</h1>")
        }
    }
}

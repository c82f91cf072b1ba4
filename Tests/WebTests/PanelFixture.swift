// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import ChatTesting
import Credentials
import HummingbirdCore
import Logging
import NIOCore
import Operations
import Settings
import Storage
import Testing
import Transport

@testable import Web

/// A panel over a fresh domain, on a free port, with one administrator.
struct PanelUnderTest: Sendable {
    static let administrator = "admin"
    static let login = "root-account"
    static let password = "a long enough secret"

    let test: ChatUnderTest
    let server: WebServer
    let history: ServerHistory
    let running: FakeServerControl
    /// Method and path of each request whose connection has closed.
    let closings: AsyncStream<String>

    /// A browser without cookies.
    func browser() -> PanelBrowser { PanelBrowser(server: server) }

    /// A browser of the administrator, logged in.
    func loggedIn() async throws -> PanelBrowser {
        var browser = browser()
        let answer = try await browser.logIn()
        #expect(answer.status == 303)
        return browser
    }

    @discardableResult
    func run<Operation: AdminOperation>(_ operation: Operation) async throws -> Operation.Report {
        try await operation.run(on: OperationContext(chat: test.chat))
    }

    /// An account; its login is also its shown name.
    @discardableResult
    func user(_ login: String) async throws -> UserReport {
        try await run(CreateUser(login: login, username: login, password: SecretText("secret word")))
    }
}

/// Runs `body` with a panel; the connection counts as a trusted proxy's, so that requests may come from elsewhere.
func withPanel(
    templatesFolder: String? = nil, policy: ChatPolicy = ChatPolicy(),
    _ body: (PanelUnderTest) async throws -> Void
) async throws {
    try await ChatUnderTest.with(policy: policy) { test in
        let history = ServerHistory()
        let running = FakeServerControl()
        let jobs = JobBoard(now: { test.chat.currentTime }, makeID: { test.chat.newIdentifier().description })
        async let work: Void = jobs.run()
        let panel = AdminPanel(
            operations: OperationContext(chat: test.chat, control: running.control), jobs: jobs,
            server: AdminPanel.Server(
                name: { "Café <Parley>" }, version: "0.1.0", disk: { (1 << 30, 4 << 30) }),
            history: history)
        let service = try WebService(
            version: "0.1.0", status: { .example }, readiness: { [] }, panel: panel, templatesFolder: templatesFolder,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let proxies = TrustedProxies(ranges: [try #require(IPRange("127.0.0.1"))])
        let (closings, closing) = AsyncStream.makeStream(of: String.self)
        let responder: WebService.Responder = { request, writer, channel in
            channel.closeFuture.whenComplete { _ in closing.yield("\(request.method) \(request.uri.path)") }
            try await service.responder(request, writer, channel)
        }
        try await withWebServer(responder, proxies: proxies) { server in
            let panel = PanelUnderTest(
                test: test, server: server, history: history, running: running, closings: closings)
            try await panel.run(
                CreateSuperuser(
                    username: PanelUnderTest.administrator, login: PanelUnderTest.login,
                    password: SecretText(PanelUnderTest.password)))
            try await body(panel)
        }
        jobs.close()
        await work
    }
}

/// A browser as far as the panel sees one: it keeps cookies, and fills in forms that it was shown.
struct PanelBrowser {
    let server: WebServer
    var cookies: [String: String] = [:]
    /// Sent with every request, such as those of a proxy.
    var headers: [String] = []
    /// Sent with forms.
    var origin: [String] = ["Origin: http://localhost", "Sec-Fetch-Site: same-origin"]
    /// The token of the last form that was seen.
    var token: String?

    mutating func get(_ path: String) async throws -> WebServer.Response {
        try await ask(request("GET", path, headers))
    }

    /// Sends a form with the token of the last page; `token` in its place if it is given.
    ///
    /// `inBetween` is called when the first part of the answer has come.
    mutating func post(
        _ path: String, _ fields: [(String, String)], token other: String? = nil,
        inBetween: () async throws -> Void = {}
    ) async throws -> WebServer.Response {
        let fields = fields + [("form_token", other ?? token ?? "")]
        return try await send(path, fields, inBetween: inBetween)
    }

    /// Sends fields and nothing else.
    mutating func send(
        _ path: String, _ fields: [(String, String)], inBetween: () async throws -> Void = {}
    ) async throws -> WebServer.Response {
        try await ask(formRequest(path, fields), inBetween)
    }

    /// Sends a form with the token of the last page, and is gone after `wait`.
    func abandon(_ path: String, _ fields: [(String, String)], after wait: () async -> Void) async throws {
        let fields = fields + [("form_token", token ?? "")]
        try await server.abandon(formRequest(path, fields), after: wait)
    }

    private func formRequest(_ path: String, _ fields: [(String, String)]) -> String {
        let body = fields.map { "\(AddressText.encoded($0.0))=\(AddressText.encoded($0.1))" }.joined(separator: "&")
        let form = ["Content-Type: application/x-www-form-urlencoded", "Content-Length: \(body.utf8.count)"]
        return request("POST", path, headers + origin + form) + body
    }

    /// Opens the page of the login, and sends it.
    mutating func logIn(
        _ username: String = PanelUnderTest.administrator, _ password: String = PanelUnderTest.password
    ) async throws -> WebServer.Response {
        _ = try await get("/admin/login")
        return try await post("/admin/login", [("username", username), ("password", password)])
    }

    private func request(_ method: String, _ path: String, _ headers: [String]) -> String {
        var head = ["\(method) \(path) HTTP/1.1", "Connection: close"] + headers
        if !headers.contains(where: { $0.hasPrefix("Host:") }) { head.append("Host: localhost") }
        if !cookies.isEmpty { head.append("Cookie: " + cookies.map { "\($0)=\($1)" }.joined(separator: "; ")) }
        return head.joined(separator: "\r\n") + "\r\n\r\n"
    }

    private mutating func ask(
        _ request: String, _ inBetween: () async throws -> Void = {}
    ) async throws -> WebServer.Response {
        let response = try await WebServer.Response(server.exchange(request, inBetween: inBetween))
        for cookie in response.cookies {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            cookies[String(pair[0])] = pair[1].isEmpty ? nil : String(pair[1])
        }
        let mark = "name=\"form_token\" value=\""
        if let begin = response.body.firstRange(of: mark) {
            token = String(response.body[begin.upperBound...].prefix { $0 != "\"" })
        }
        return response
    }
}

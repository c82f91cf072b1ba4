// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import NIOCore
import NIOPosix
import Operations
import Testing
import Web

@testable import AdminAPI

/// Requests over HTTP, each on a connection of its own.
struct PlainHTTP: Sendable {
    struct Answer {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: String

        /// What cookies are set to.
        var cookies: [String] {
            headers.filter { $0.name == "set-cookie" }.map { String($0.value.prefix { $0 != ";" }) }
        }

        subscript(header name: String) -> String? { headers.first { $0.name == name }?.value }

        /// The text of a member of the body, which is an object.
        func text(_ name: String) -> String? {
            (try? JSONValue.parse(Array(body.utf8)))?[name]?.string
        }
    }

    struct Unanswered: Error {}

    let port: Int

    func ask(_ method: String, _ path: String, _ headers: [String], _ body: String = "") async throws -> Answer {
        let head = [
            "\(method) \(path) HTTP/1.1", "Host: localhost:\(port)", "Connection: close",
            "Content-Length: \(body.utf8.count)",
        ]
        let text = try await exchange((head + headers).joined(separator: "\r\n") + "\r\n\r\n" + body)
        guard let end = text.firstRange(of: "\r\n\r\n") else { throw Unanswered() }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let fields = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        let status = lines.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
        return Answer(status: status ?? 0, headers: fields, body: String(text[end.upperBound...]))
    }

    private func exchange(_ text: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var all = ByteBuffer()
            for try await var part in inbound { all.writeBuffer(&part) }
            return String(buffer: all)
        }
    }
}

/// The HTTP API: the request for an operation follows from its endpoint.
struct APIFace: OperationFace {
    let face = OperationActor.Face.api
    let http: PlainHTTP
    let writer: SecretText
    let reader: SecretText
    let revoked: SecretText

    var unserved: [String: String] {
        Dictionary(uniqueKeysWithValues: AdminEndpoint.unserved.map { ($0.operation, $0.reason) })
    }

    func attempt(_ operation: any AdminOperation, _: OperationForm?) async throws -> String? {
        let answer = try await ask(for: operation, token: writer)
        if answer.status == 202 { return try await refusal(ofJob: try #require(answer[header: "location"])) }
        guard answer.status >= 300 else { return nil }
        return Self.words(answer.text("detail"), answer.text("next_step"))
    }

    func strangersAreRefused(_ operation: any AdminOperation, _: OperationForm?) async throws -> Int64 {
        let name = type(of: operation).name
        let reading = try await ask(for: operation, token: reader)
        let nobody = try await ask(for: operation, token: nil)
        let former = try await ask(for: operation, token: revoked)

        #expect(reading.status == 403, "\(name)")
        #expect(
            reading.text("detail") == "The scope of this token is read, and '\(name)' changes something.", "\(name)")
        #expect(nobody.status == 401, "\(name)")
        #expect(former.status == 401, "\(name)")
        // Who is known is recorded.
        return 1
    }

    private static func words(_ message: String?, _ nextStep: String?) -> String {
        [message, nextStep].compactMap(\.self).joined(separator: " ")
    }

    private func ask(for operation: any AdminOperation, token: SecretText?) async throws -> PlainHTTP.Answer {
        let (method, target, body) = try Self.request(for: operation)
        return try await ask(method, CallTarget.root + target, body, token: token)
    }

    private func ask(
        _ method: String, _ target: String, _ body: String = "", accept: String = "application/json",
        token: SecretText?
    ) async throws -> PlainHTTP.Answer {
        var headers = ["Accept: \(accept)"]
        if !body.isEmpty { headers.append("Content-Type: application/json") }
        if let token { headers.append("Authorization: Bearer \(token.clearText)") }
        return try await http.ask(method, target, headers, body)
    }

    /// Waits for the end of a job; `nil` when it was done.
    private func refusal(ofJob place: String) async throws -> String? {
        _ = try await ask("GET", place, accept: "text/event-stream", token: writer)
        let job = try JSONValue.parse(Array(try await ask("GET", place, token: writer).body.utf8))
        let error = job["error"]
        return job["state"]?.string == "done"
            ? nil : Self.words(error?["message"]?.string, error?["next_step"]?.string)
    }

    /// Method, path with query, and body.
    private static func request(for operation: any AdminOperation) throws -> (String, String, String) {
        let values = JSONTree(try JSONValue.parse(Array(JSONEncoder.forOperations().encode(operation))))
        // The most exact of several.
        let endpoint = try AdminEndpoint.all().filter { endpoint in
            endpoint.operation.name == type(of: operation).name
                && endpoint.parameters.allSatisfy { $0.place != .path || values[$0.name] != nil }
        }.max { $0.segments.count < $1.segments.count }
        let found = try #require(endpoint, "\(type(of: operation).name) has no endpoint")
        var path = ""
        var last = ""
        for segment in found.segments {
            switch segment {
            case .word(let word): last = word
            case .parameter(let name): last = AddressText.encoded(text(of: values[name]))
            }
            path += "/\(last)"
        }
        var query = found.operation.isDestructive ? ["\(AdminEndpoint.confirmation)=\(last)"] : []
        var members: [String: JSONTree] = [:]
        for parameter in found.parameters where parameter.container == nil {
            guard let value = values[parameter.name], value != .null else { continue }
            switch parameter.place {
            case .path: break
            case .query: query.append("\(parameter.name)=\(AddressText.encoded(text(of: value)))")
            case .body: members[parameter.name] = value
            }
        }
        let body =
            found.method.hasBody
            ? String(decoding: try JSONEncoder().encode(JSONTree.object(members)), as: UTF8.self) : ""
        return (found.method.rawValue, path + (query.isEmpty ? "" : "?" + query.joined(separator: "&")), body)
    }

    private static func text(of value: JSONTree?) -> String {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .bool(let value): "\(value)"
        default: ""
        }
    }
}

/// The admin panel: forms, as a browser sends them.
struct PanelFace: OperationFace {
    let face = OperationActor.Face.web
    let unserved = [
        "superuser.totp": "An open panel cannot change who gets in by a second factor.",
        "token.create": "Tokens are made on the machine.",
        "token.revoke": "Tokens are revoked on the machine.",
        "user.erase": "The command line and the API show first what would go.",
        "user.export": "It writes files on the machine.",
        "message.expire": "The server does it by itself; now means on the machine or by the API.",
        "flow.seed": "Test data is made on the machine.",
        "flow.remove_seed": "Test data is removed on the machine.",
        "testclient.token": "It is for a process on the machine.",
        "testclient.end": "It is for a process on the machine.",
        "session.end": "It takes the token of a user, which only that user's client has.",
        "import.users": "The other server's database is on the machine.",
        "import.contacts": "The other server's database is on the machine.",
        "import.flows": "The other server's database is on the machine.",
        "import.messages": "The other server's database is on the machine.",
        "db.check": "Repairs are done on the machine or by the API.",
        "db.gc": "The server does it by itself; now means on the machine or by the API.",
        "server.reload": "A change of settings in the panel is applied at once.",
        "server.log_level": "The page of the log filters what it shows; the log itself stays as it is.",
    ]
    let http: PlainHTTP
    /// Who is logged in.
    let browser: Browser
    /// Who was.
    let former: Browser

    /// The cookie and the form's token of one login.
    struct Browser: Sendable {
        var cookie: String
        var token: String
    }

    init(_ http: PlainHTTP, username: String, password: SecretText) async throws {
        self.http = http
        browser = try await Self.logIn(http, username, password)
        former = try await Self.logIn(http, username, password)
        let left = try await Self.send("/admin/logout", [:], former, http)
        #expect(left[header: "location"] == "/admin/login")
    }

    func attempt(_ operation: any AdminOperation, _ form: OperationForm?) async throws -> String? {
        let form = try #require(form, "\(type(of: operation).name) has no form")
        let answer = try await Self.send(form.path, form.fields, browser, http)
        if type(of: operation).isLong { try await jobsEnd() }
        if answer.status < 400 { return nil }
        // The page says it in one place.
        let mark = "role=\"alert\">"
        let begin = try #require(answer.body.firstRange(of: mark), "\(answer.status)")
        return Self.plain(String(answer.body[begin.upperBound...].prefix { $0 != "<" }))
    }

    func strangersAreRefused(_ operation: any AdminOperation, _ form: OperationForm?) async throws -> Int64 {
        let form = try #require(form)
        let nobody = try await Self.send(form.path, form.fields, Browser(cookie: "", token: browser.token), http)
        let gone = try await Self.send(form.path, form.fields, former, http)
        let other = try await Self.send(
            form.path, form.fields, Browser(cookie: browser.cookie, token: former.token), http)

        #expect(nobody.status == 303 && nobody[header: "location"] == "/admin/login", "\(form.path)")
        #expect(gone.status == 303 && gone[header: "location"] == "/admin/login?ended=1", "\(form.path)")
        #expect(other.status == 403, "\(form.path)")
        return 0
    }

    /// Asks as the open page does until no job can be cancelled any more.
    private func jobsEnd() async throws {
        let cookie = "Cookie: \(browser.cookie)"
        while try await http.ask("GET", "/admin/backups/live", [cookie]).body.contains("/admin/backups/cancel") {
            await Task.yield()
        }
    }

    private static func logIn(
        _ http: PlainHTTP, _ username: String, _ password: SecretText
    ) async throws -> Browser {
        let page = try await http.ask("GET", "/admin/login", [])
        let visitor = Browser(cookie: page.cookies.joined(separator: "; "), token: try token(in: page))
        let answer = try await send(
            "/admin/login", ["username": username, "password": password.clearText], visitor, http)
        let cookie = try #require(answer.cookies.first { $0.hasPrefix("parley_admin=") })
        return Browser(cookie: cookie, token: try await token(in: http.ask("GET", "/admin", ["Cookie: \(cookie)"])))
    }

    private static func token(in page: PlainHTTP.Answer) throws -> String {
        let mark = "name=\"form_token\" value=\""
        let begin = try #require(page.body.firstRange(of: mark), "\(page.status)")
        return String(page.body[begin.upperBound...].prefix { $0 != "\"" })
    }

    private static func send(
        _ path: String, _ fields: [String: String], _ browser: Browser, _ http: PlainHTTP
    ) async throws -> PlainHTTP.Answer {
        let pairs = fields.merging(["form_token": browser.token]) { $1 }.map { name, value in
            "\(AddressText.encoded(name))=\(AddressText.encoded(value))"
        }
        return try await http.ask(
            "POST", path,
            [
                "Content-Type: application/x-www-form-urlencoded", "Origin: http://localhost:\(http.port)",
                "Cookie: \(browser.cookie)",
            ], pairs.joined(separator: "&"))
    }

    private static func plain(_ html: String) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")].reduce(html) {
            $0.replacing($1.0, with: $1.1)
        }
    }
}

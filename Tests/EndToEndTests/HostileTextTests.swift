// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Credentials
import FastChat
import Foundation
import HostileText
import JSON
import Messenger
import Skaro
import TestClient
import Testing
import Transport

/// What texts that are slow to compare as `String` cost the server, in its processor time beside texts of the same
/// size.
@Suite(.timeLimit(.minutes(10)))
struct HostileTextTests {
    private static let bytes = 50_000
    private static let password = "a password"

    /// A program whose rates refuse nothing before it is looked at.
    private static func withProgram(_ body: (Program) async throws -> Void) async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            try await body(program)
        }
    }

    /// How many times more processor time the server takes for hostile texts than for letters.
    ///
    /// The least of up to three measurements: what else the server does meanwhile counts, too.
    private static func slowdown(
        of server: RunningServer, bytes: Int = bytes, _ work: (String) async throws -> Void
    ) async throws -> Double {
        func time(_ text: String) async throws -> Duration {
            let start = try #require(HostileText.processTime(of: server.process.id))
            try await work(text)
            return try #require(HostileText.processTime(of: server.process.id)) - start
        }
        // What is made at the first use is not the text's doing.
        try await work("x")
        var least = Double.infinity
        for _ in 0..<3 where least >= HostileText.tolerance {
            let plain = try await time(HostileText.letters(bytes))
            least = min(least, HostileText.ratio(try await time(HostileText.marks(bytes)), to: plain))
        }
        return least
    }

    @Test func textsOfMTP() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let person = try await MTPClient.connect(url: server.url)
            let credentials = try await person.register(login: "anna", password: Self.password)
            let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "MTPTests/Fixtures/requests")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.count == 12)

            for name in names.sorted() {
                let frame = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
                    .replacing("227451230498120349812034981203498", with: credentials.uuid)
                    .replacing("5f0c2a9be1d74c3c8a6b90e2d3f41c77", with: credentials.authID)
                for isKnown in [false, true] {
                    let client = try await WebSocketClient.connect(url: server.url)
                    if isKnown {
                        try await client.send(text: frame)
                        #expect(try await client.receive() != nil)
                    }
                    let slowdown = try await Self.slowdown(of: server) { text in
                        for variant in HostileText.variants(ofJSON: frame) {
                            try await client.send(text: variant(text))
                            #expect(try await client.receive() != nil)
                        }
                    }
                    #expect(slowdown < HostileText.tolerance, "\(name)")
                    await client.close()
                }
            }
            await server.stop()
        }
    }

    @Test func textsOfSkaro() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let known = try await server.skaro()
            try await known.register(login: "anna", password: Self.password)
            try await known.register(login: "bob", password: Self.password)
            try await known.authorize(login: "anna", password: Self.password)
            let requests: [[String: String]] = [
                ["type": "register", "login": "", "password": "", "name": "", "email": "", "invite": ""],
                ["type": "authorize", "login": "anna", "password": ""], ["type": "session_restore", "sid": ""],
                ["type": "get_contacts"], ["type": "add_contact", "login": "bob"],
                ["type": "del_contact", "login": "bob"], ["type": "search_contacts", "query": "o"],
                ["type": "get_user_data", "login": "bob"],
                ["type": "update_my_data", "name": "A", "bio": "", "email": "", "avatar": ""],
                ["type": "get_history", "login": "bob", "before": ""],
                ["type": "send_message", "to": "bob", "body": "hello"], ["type": "register_type"],
            ]

            for client in [known, try await server.skaro()] {
                for request in requests {
                    let slowdown = try await Self.slowdown(of: server) { text in
                        for name in request.keys.sorted() {
                            let others = request.filter { $0.key != name }.map { CBORPair($0.key, .text($0.value)) }
                            _ = try await client.request(.map(others + [CBORPair(name, .text(text))]))
                        }
                        let all = request.map { CBORPair($0.key, .text($0.value)) }
                        _ = try await client.request(.map(all + [CBORPair(text, 1)]))
                    }
                    #expect(slowdown < HostileText.tolerance, "\(request)")
                }
            }
            await server.stop()
        }
    }

    @Test func textsOfMessenger() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let client = try await server.messenger()
            for login in ["anna", "bob"] { try await client.signUp(login: login, password: Self.password) }
            try await client.logIn("anna", password: Self.password)
            let bob = try await server.messenger()
            try await bob.logIn("bob", password: Self.password)

            let slowdown = try await Self.slowdown(of: server) { text in
                for request in [
                    MessengerRequest.signUp(email: text, login: "bob", password: "p"),
                    .signUp(email: "", login: text, password: "p"), .signUp(email: "", login: "bob", password: text),
                    .logIn(login: text, password: "p"), .logIn(login: "bob", password: text),
                ] {
                    _ = try await server.messenger().request(request)
                }
                _ = try? await client.add(text)
                for (part, recipient) in [("hello", text), ("hello", "#\(text)"), (text, "bob")] {
                    try await client.send(part, to: recipient)
                    // What was sent has no answer; more of it without a pause would be too long.
                    _ = try await client.contacts()
                }
                var shownBytes = 0
                for await case .message(_, let part) in bob.pushes {
                    shownBytes += part.utf8.count
                    if shownBytes >= text.utf8.count { break }
                }
            }

            #expect(slowdown < HostileText.tolerance)
            await server.stop()
        }
    }

    @Test func textsOfFastChat() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let port = try await server.port(of: "FastChat")
            let values = [
                #"{"type": "new", "user": 7, "password": "p", "sign": "s", "public_key": "k"}"#,
                #"{"type": "login", "user": 7, "password": "p", "sign": "s"}"#,
                #"{"type": "keys", "dest": "server", "from": 7, "message": 8, "isgroup": 0}"#,
                #"[{"type": "msg", "time": "T", "dest": 8, "group": 3, "from": 7, "message": "m", "isgroup": 1, "#
                    + #""key": "k"}]"#,
                #"{"type": "img", "time": "T", "dest": 8, "from": 7, "message": "m", "isgroup": 0, "key": "k", "x": "#
                    + #""y"}"#,
                #"{"type": "msg", "time": "T", "dest": "2,3", "from": 7, "message": "create_group", "isgroup": 1}"#,
            ]

            for value in values {
                let slowdown = try await Self.slowdown(of: server) { text in
                    for variant in HostileText.variants(ofJSON: value) {
                        let socket = try await MessengerSocket.connect(host: "127.0.0.1", port: port)
                        try await socket.send(Array(variant(text).utf8))
                        // An answer, or the end where the signature is wrong.
                        _ = await socket.reads.first { _ in true }
                        await socket.close()
                    }
                }
                #expect(slowdown < HostileText.tolerance, "\(value)")
            }
            await server.stop()
        }
    }

    @Test func textsOfHTTP() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let names = [
                "Accept", "Accept: text/html;q", "Connection", "Upgrade", "Host", "Cookie", "Cookie: a=b; c", "Origin",
                "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "X-Forwarded-For", "Forwarded",
                "Content-Length", "Transfer-Encoding", "Expect",
            ]

            for path in ["/", "/ws"] {
                let heads: [(String) -> String] =
                    names.map { name in { text in "GET \(path) HTTP/1.1\r\n\(name): \(text)\r\n\(name): \(text)\r\n" } }
                    + [
                        { "GET \(path)\($0) HTTP/1.1\r\n" }, { "GET \($0) HTTP/1.1\r\n" },
                        { "GET \(path)?\($0) HTTP/1.1\r\n" }, { "\($0) / HTTP/1.1\r\n" }, { "GET / \($0)\r\n" },
                        { "GET \(path) HTTP/1.1\r\n\($0): a\r\n" },
                    ]
                for head in heads {
                    // The longest field there can be: its square is not as much as that of a longer text.
                    let slowdown = try await Self.slowdown(of: server, bytes: 16_000) { text in
                        for _ in 0..<5 {
                            let connection = try await RawConnection(to: server)
                            try await connection.send(head(text) + "\r\n")
                            #expect(await connection.received.line { $0.contains("HTTP/1.1 ") } != nil)
                            await connection.close()
                        }
                    }
                    #expect(slowdown < 4, "\(head("HERE"))")
                }
            }
            await server.stop()
        }
    }

    @Test func textsOfFastChatAfterTheLogin() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let port = try await server.port(of: "FastChat")
            let sign = try await program.fastChatSign(port: port)
            let key = try RSAPrivateKey(newBits: 2048).publicKey.pem
            let (seven, eight) = (FastChatUserNumber(7), FastChatUserNumber(8))
            let other = try await MessengerSocket.connect(host: "127.0.0.1", port: port)
            try await other.send(FastChatRequest.register(eight, password: "pw", publicKey: key, sign: sign).encoded())
            _ = await other.reads.first { _ in true }
            await other.close()
            let socket = try await MessengerSocket.connect(host: "127.0.0.1", port: port)
            try await socket.send(FastChatRequest.register(seven, password: "pw", publicKey: key, sign: sign).encoded())
            var units = socket.reads.makeAsyncIterator()
            #expect(await units.next() != nil)
            try await socket.send(FastChatRequest.createGroup(members: [eight], from: seven).encoded())
            let values = [
                #"{"type": "keys", "dest": "server", "from": 7, "message": 8, "isgroup": 0}"#,
                #"{"type": "keys", "dest": "server", "from": 7, "message": 1, "isgroup": 1}"#,
                #"{"type": "msg", "time": "T", "dest": 8, "from": 7, "message": "m", "isgroup": 0, "key": "k", "x": "#
                    + #""y"}"#,
                #"[{"type": "img", "time": "T", "dest": 8, "group": 1, "from": 7, "message": "m", "isgroup": 1, "#
                    + #""key": "k"}]"#,
                #"{"type": "msg", "time": "T", "dest": "8,9", "from": 7, "message": "create_group", "isgroup": 1}"#,
                #"{"type": "msg", "time": "T", "dest": 8, "group": 1, "from": 7, "message": "add_to_group", "#
                    + #""isgroup": 1}"#,
            ]
            var lastGroup: Int64 = 900_000

            for value in values {
                let slowdown = try await Self.slowdown(of: server) { text in
                    for variant in HostileText.variants(ofJSON: value) {
                        try await socket.send(Array(variant(text).utf8))
                        // What comes next is refused, with a group that nothing else names: then both have been looked
                        // at.
                        lastGroup += 1
                        let mark = Array("\(lastGroup)".utf8)
                        try await socket.send(
                            FastChatRequest.addToGroup(FastChatGroupNumber(lastGroup), member: eight, from: seven)
                                .encoded())
                        var isMarked = false
                        while !isMarked, let unit = await units.next() { isMarked = unit.contains(mark) }
                        #expect(isMarked, "\(value)")
                    }
                }
                #expect(slowdown < HostileText.tolerance, "\(value)")
            }
            await server.stop()
        }
    }

    @Test func textsOfTheAdminSocket() async throws {
        try await Self.withProgram { program in
            let server = try await program.startServer()
            let requests: [String] = [
                #"{"operation": "user.show", "parameters": {"login": "anna"}}"#,
                #"{"operation": "flow.show", "parameters": {"uuid": "1"}}"#,
                ##"{"operation": "flow.show", "parameters": {"uuid": "#1"}}"##,
                #"{"operation": "flow.create", "parameters": {"owner": "a", "type": "group", "title": "", "info": "", "#
                    + #""members": ["b"]}}"#,
                #"{"operation": "flow.list", "parameters": {"range": {"after": 0, "limit": 2}, "title": "a"}}"#,
                #"{"operation": "message.search", "parameters": {"range": {"after": 0, "limit": 2}, "words": "a b"}}"#,
                #"{"operation": "invite.revoke", "parameters": {"id": "abcdef"}}"#,
                #"{"operation": "node.drain", "parameters": {"node": "a"}}"#,
                #"{"operation": "user.create", "parameters": {"login": "anna", "username": "a", "password": "p", "#
                    + #""isBot": false, "email": ""}}"#,
            ]

            for request in requests {
                let slowdown = try await Self.slowdown(of: server) { text in
                    try await AdminSocketClient.connect(path: program.path("run/admin.sock")) { client in
                        var replies = client.replies.makeAsyncIterator()
                        for variant in HostileText.variants(ofJSON: request) {
                            try await client.send(Array(variant(text).utf8))
                            #expect(try await replies.next() != nil)
                        }
                    }
                }
                #expect(slowdown < HostileText.tolerance, "\(request)")
            }
            await server.stop()
        }
    }
}

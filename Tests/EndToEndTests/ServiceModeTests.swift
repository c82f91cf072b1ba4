// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import JSON
import MTP
import Messenger
import Skaro
import TestClient
import Testing

/// `--read-only` and `--maintenance` on the real program, with clients of every protocol.
@Suite(.timeLimit(.minutes(10)))
struct ServiceModeTests {
    private static let password = "a password"

    @Test func peopleReadAndAreRefusedWhatTheySend() async throws {
        try await Program.with { program in
            program["PARLEY_BALANCER_LISTEN"] = "127.0.0.1:0"
            let key = try RSAPrivateKey(newBits: 1024)
            var server = try await program.startServer()
            let (flow, credentials) = try await Self.fill(server, key)
            await server.stop()
            server = try await program.startServer("--read-only")

            // MTP, with the session from before and with the password.
            let carol = try await Person(credentials, on: server)
            #expect(try await carol.messages(of: flow).compactMap { $0.text?.string } == ["to the group"])
            #expect(try await carol.say("no", in: flow) == 503)
            let newcomer = try await MTPClient.connect(url: server.url)
            #expect(try await newcomer.request(.registerUser(login: "dave", password: Self.password)).code == 503)
            #expect(try await !newcomer.authenticate(login: "carol", password: Self.password).authID.isEmpty)

            let alice = try await server.skaro()
            try await alice.authorize(login: "alice", password: Self.password)
            let history = try await alice.request(.getHistory(dialog: "bob", before: nil, limit: nil)).history
            #expect(history?.map(\.body) == ["to bob"])
            let found = try await alice.request(.searchContacts(query: "bo")).contacts
            #expect(found?.map(\.login) == ["bob"] && found?.first?.isOnline == false)
            let refused = try await alice.request(.sendMessage(to: "bob", body: "no"))
            #expect(refused.code == 503 && refused.info?.contains("read-only") == true)

            let bob = try await server.messenger()
            try await bob.logIn("bob", password: Self.password)
            #expect(await bob.pushes.first { $0 == .message(from: "alice", text: "to bob") } != nil)
            #expect(try await bob.contacts().map(\.isOnline) == [true])
            #expect(await Self.nextOnline(for: alice) == "bob")
            await #expect(throws: MessengerFailure(answer: .refused(prefix: 0x04))) { try await bob.add("carol") }

            let (seven, sign) = try await Self.fastChat(on: server)
            try await seven.logIn(FastChatUserNumber(7), password: Self.password, key: key, sign: sign)
            #expect(await Self.nextText(for: seven) == "to 7")
            let refusal = await #expect(throws: FastChatClientFailure.self) {
                _ = try await seven.createGroup(of: [FastChatUserNumber(8)])
            }
            #expect(refusal?.description.contains("the server is read-only") == true)

            #expect(try await HTTPClient.get(server.httpURL + "readyz").status == 200)
            #expect(await server.process.output.line { $0.hasPrefix("Read-only: ") } != nil)
            try await Self.expectModeIsShown("read-only", by: program)
            #expect(try await HTTPClient.get(server.httpURL).text.contains("<h2>Read-only</h2>"))
            #expect(try await Scrape(server)("parley_service_mode{mode=\"read-only\"}") == 1)
            let search = try await program.manage("message", "search", "group", "--json")
            #expect(search.output.contains("to the group"), "\(search.output) \(search.errors)")
            let backup = try await program.manage("db", "backup", "-q", "beside.tar.gz")
            #expect(backup.ending == .exited(0), "\(backup.errors)")
            #expect(try await program.manage("backup", "verify", "beside.tar.gz").ending == .exited(0))
            try await Self.expectAdministratorsWork(program)
            await server.stop()
        }
    }

    @Test func onlyAdministratorsAreServedDuringMaintenance() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--maintenance")
            #expect(await server.process.output.line { $0.hasPrefix("Maintenance: ") } != nil)

            let refusal = await #expect(throws: ClientError.self) {
                try await WebSocketClient.connect(url: server.url)
            }
            let ready = try await HTTPClient.get(server.httpURL + "readyz")

            #expect(refusal == .handshakeRefused(status: 503, reason: "Service Unavailable"))
            #expect(ready.status == 503 && ready.text.contains("maintenance"))
            #expect(try await HTTPClient.get(server.httpURL + "livez").status == 200)
            for path in ["chat", "ws", "skaro"] {
                let page = try await HTTPClient.get(server.httpURL + path)
                #expect(page.status == 503 && page[header: "retry-after"] == "60", "\(path)")
                #expect(page.text.contains("The server is in maintenance"), "\(path)")
            }
            #expect(try await HTTPClient.get(server.httpURL).text.contains("The server is in maintenance"))
            try await Self.expectModeIsShown("maintenance", by: program)
            #expect(try await HTTPClient.get(server.httpURL + "admin/api/v1/users").status == 401)
            for name in ["MTP", "skaro", "messenger", "FastChat", "Web chat"] {
                #expect(!server.process.output.text.contains("  \(name) "))
            }
            #expect(server.process.output.text.contains("  Admin panel "))
            try await Self.expectAdministratorsWork(program)
            await server.stop()
        }
    }

    /// Writes something for a reader of each protocol.
    ///
    /// - Returns: The group of MTP, and the login of its owner, carol.
    private static func fill(
        _ server: RunningServer, _ key: RSAPrivateKey
    ) async throws -> (flow: String, credentials: MTPCredentials) {
        for number in [7, 8] {
            let (client, sign) = try await fastChat(on: server)
            try await client.register(FastChatUserNumber(Int64(number)), password: password, key: key, sign: sign)
            await client.close()
        }
        for login in ["alice", "bob"] {
            let newcomer = try await server.skaro()
            try await newcomer.register(login: login, password: password)
            await newcomer.close()
        }
        let alice = try await server.skaro()
        try await alice.authorize(login: "alice", password: password)
        for login in ["bob", "7"] { try await alice.send("to \(login)", to: login) }
        #expect(try await alice.request(.addContact(login: "bob")).isSuccess)
        await alice.close()
        let bob = try await server.skaro()
        try await bob.authorize(login: "bob", password: password)
        #expect(try await bob.request(.addContact(login: "alice")).isSuccess)
        await bob.close()
        let carol = try await Person("carol", on: server, password: password)
        let flow = try await carol.makeFlow()
        #expect(try await carol.say("to the group", in: flow) == 200)
        return (flow, carol.credentials)
    }

    private static func fastChat(on server: RunningServer) async throws -> (client: FastChatClient, sign: String) {
        let assignment = try await FastChatClient.assignment(
            host: "127.0.0.1", port: try await server.port(of: "Balancer"))
        return (try await FastChatClient.connect(host: assignment.host, port: assignment.port), assignment.sign)
    }

    private static func nextText(for client: FastChatClient) async -> String? {
        for await case .message(let message) in client.events { return message.text }
        return nil
    }

    private static func nextOnline(for client: SkaroClient) async -> String? {
        for await case .changed(let user) in client.pushes where user.isOnline { return user.login }
        return nil
    }

    /// `top` shows the mode to people and programs.
    private static func expectModeIsShown(_ mode: String, by program: Program) async throws {
        let text = try await program.manage("top", "--once", "--interval", "0.1")
        let json = try await program.manage("top", "--once", "--interval", "0.1", "--json")

        #expect(text.output.contains("    \(mode)\n"), "\(text.output) \(text.errors)")
        #expect(try JSONValue.parse(Array(json.output.utf8))["mode"]?.string == mode)
    }

    /// Makes an account through the admin socket, which the audit tells.
    private static func expectAdministratorsWork(_ program: Program) async throws {
        let made = try await program.manage(
            "user", "create", "--login", "erin", "--password-stdin", input: "a word\n")
        let audit = try await program.manage("audit", "list", "--json")

        #expect(made.ending == .exited(0), "\(made.errors)")
        #expect(audit.output.contains("user.create"), "\(audit.output) \(audit.errors)")
    }
}

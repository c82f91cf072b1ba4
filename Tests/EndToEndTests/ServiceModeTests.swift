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
            let refused = try await alice.request(.sendMessage(to: "bob", body: "no"))
            #expect(refused.code == 503 && refused.info?.contains("read-only") == true)

            let bob = try await server.messenger()
            try await bob.logIn("bob", password: Self.password)
            #expect(await bob.pushes.first { _ in true } == .message(from: "alice", text: "to bob"))
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

            #expect(refusal == .handshakeRefused(status: 404, reason: "Not Found"))
            #expect(ready.status == 503 && ready.text.contains("maintenance"))
            #expect(try await HTTPClient.get(server.httpURL + "livez").status == 200)
            #expect(try await HTTPClient.get(server.httpURL + "chat").status == 404)
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
        await alice.close()
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

    /// Makes an account through the admin socket, which the audit tells.
    private static func expectAdministratorsWork(_ program: Program) async throws {
        let made = try await program.manage(
            "user", "create", "--login", "erin", "--password-stdin", input: "a word\n")
        let audit = try await program.manage("audit", "list", "--json")

        #expect(made.ending == .exited(0), "\(made.errors)")
        #expect(audit.output.contains("user.create"), "\(audit.output) \(audit.errors)")
    }
}

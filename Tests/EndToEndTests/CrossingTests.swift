// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Skaro
import TestClient
import Testing

/// Conversations across protocols on the real program, also when it is killed between two messages.
@Suite(.timeLimit(.minutes(10)))
struct CrossingTests {
    private static let password = "a password"

    @Test func everyProtocolIsAnnouncedWithItsAddress() async throws {
        try await Program.with { program in
            let server = try await program.startServer()

            let skaro = try #require(await server.address(of: "skaro"))
            let messenger = try #require(await server.address(of: "messenger"))
            let fastChat = try #require(await server.address(of: "FastChat"))
            let page = try await HTTPClient.get(server.httpURL).text

            #expect(await server.address(of: "MTP") == server.url)
            #expect(skaro.hasPrefix("ws://127.0.0.1:") && skaro.hasSuffix("/skaro"))
            #expect(messenger.hasPrefix("tcp://127.0.0.1:") && fastChat.hasPrefix("tcp://127.0.0.1:"))
            for address in [server.url, skaro, messenger, fastChat] { #expect(page.contains(address)) }
            await server.stop()
        }
    }

    @Test func protocolThatIsSwitchedOffIsNotServed() async throws {
        try await Program.with { program in
            for name in ["SKARO", "MESSENGER", "FASTCHAT"] { program["PARLEY_\(name)_ENABLED"] = "off" }
            let server = try await program.startServer()
            #expect(await server.process.output.line { $0.hasPrefix("Try it ") } != nil)

            let refusal = await #expect(throws: ClientError.self) {
                try await SkaroClient.connect(url: server.url.dropLast(2) + "skaro")
            }

            #expect(refusal == .handshakeRefused(status: 404, reason: "Not Found"))
            for name in ["skaro", "messenger", "FastChat"] { #expect(!server.process.output.text.contains(name)) }
            await server.stop()
        }
    }

    @Test(arguments: Engine.available)
    func readerMissesNothingThoughTheServerIsKilled(engine: Engine) async throws {
        try await Program.with { program in
            try await engine.prepare(program) {
                let texts = (1...25).map { "message \($0)" }
                var server = try await program.startServer()
                try await Self.register("alice", on: server)
                try await Self.register("bob", on: server)

                // Bob is away.
                try await Self.send(texts[..<8], from: "alice", to: "bob", on: server)
                server = try await Self.killed(server, program)
                var bob = try await Self.messenger("bob", on: server)
                #expect(await Self.texts(for: bob, until: texts[7]) == Array(texts[..<8]))

                // He is there, and what he has got is perhaps not written down yet.
                try await Self.send(texts[8..<16], from: "alice", to: "bob", on: server)
                #expect(await Self.texts(for: bob, until: texts[15]) == Array(texts[8..<16]))
                server = try await Self.killed(server, program)
                try await Self.send(texts[16..<24], from: "alice", to: "bob", on: server)
                bob = try await Self.messenger("bob", on: server)
                let again = await Self.texts(for: bob, until: texts[23])
                #expect(again.count >= 8 && again == Array(texts[..<24].suffix(again.count)))

                // A proper end writes it down: nothing comes twice.
                await server.stop()
                server = try await program.startServer()
                try await Self.send(texts[24...], from: "alice", to: "bob", on: server)
                bob = try await Self.messenger("bob", on: server)
                #expect(await Self.texts(for: bob, until: texts[24]) == Array(texts[24...]))
                await server.stop()
            }
        }
    }

    // MARK: People

    private static func killed(_ server: RunningServer, _ program: Program) async throws -> RunningServer {
        server.process.send(SIGKILL)
        #expect(await server.process.ended() == .killed(signal: SIGKILL))
        return try await program.startServer()
    }

    private static func register(_ login: String, on server: RunningServer) async throws {
        let client = try await server.skaro()
        try await client.register(login: login, password: password)
        await client.close()
    }

    /// Returns when every message is acknowledged.
    private static func send(
        _ texts: ArraySlice<String>, from sender: String, to recipient: String, on server: RunningServer
    ) async throws {
        let client = try await server.skaro()
        try await client.authorize(login: sender, password: password)
        for text in texts { try await client.send(text, to: recipient) }
        await client.close()
    }

    private static func messenger(_ login: String, on server: RunningServer) async throws -> MessengerClient {
        let client = try await server.messenger()
        try await client.logIn(login, password: password)
        return client
    }

    /// The messages that come, up to one of them; fewer when the connection ends before.
    private static func texts(for client: MessengerClient, until last: String) async -> [String] {
        var texts: [String] = []
        for await case .message(_, let text) in client.pushes {
            texts.append(text)
            if text == last { break }
        }
        return texts
    }
}

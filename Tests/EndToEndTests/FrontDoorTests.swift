// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import TestClient
import Testing

/// What the start of the real program says about strangers, and who is let in.
@Suite(.timeLimit(.minutes(10)))
struct FrontDoorTests {
    @Test func startSaysWhatRegistrationMeans() async throws {
        try await Program.with { program in
            let home = try await program.startServer()
            #expect(
                await line(of: home, with: "Registration is open because the server listens on 127.0.0.1 only") != nil)
            await home.stop()

            program["PARLEY_SERVER_TRUSTED_PROXIES"] = "127.0.0.1"
            let proxied = try await program.startServer()
            #expect(await line(of: proxied, with: "Registration is closed because [SERVER] TRUSTED_PROXIES") != nil)
            let client = try await MTPClient.connect(url: proxied.url)
            #expect(try await client.request(.registerUser(login: "alice", password: "a password")).code == 403)
            await proxied.stop()
        }
    }

    /// Until it starts again it listens where it did.
    @Test func aReloadDoesNotLetStrangersIn() async throws {
        try await Program.with { program in
            try program.write("[SERVER]\nHOST = 0.0.0.0\n", to: "config.ini")
            let reachable = try await program.startServer()
            try program.write("[SERVER]\nHOST = 127.0.0.1\n", to: "config.ini")

            let reloaded = try await program.manage("reload")
            let stranger = try await MTPClient.connect(url: reachable.url.replacing("0.0.0.0", with: "127.0.0.1"))
            let refused = try await stranger.request(.registerUser(login: "alice", password: "a password"))
            await reachable.stop()
            let home = try await program.startServer()
            let client = try await MTPClient.connect(url: home.url)
            let made = try await client.request(.registerUser(login: "alice", password: "a password"))
            await home.stop()

            #expect(reloaded.ending == .exited(0), "\(reloaded.errors)")
            #expect(reloaded.output.contains("SERVER.HOST"))
            #expect(refused.code == 403)
            #expect(made.code == 201)
        }
    }

    @Test func passwordsInClearAreWarnedOfAndTheirPortsClosed() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--host", "0.0.0.0")

            #expect(await line(of: server, with: "messenger clients are not served") != nil)
            #expect(await line(of: server, with: "Registration is closed") != nil)
            let warning = await server.process.errors.line {
                $0.contains("cross the network in clear at [SERVER] HOST 0.0.0.0")
            }
            #expect(warning != nil)
            #expect(!server.process.output.text.contains("tcp://"))
            let before = try await program.manage("config", "check")
            #expect(!before.output.contains("in clear"))
            await server.stop()

            program["PARLEY_SERVER_HOST"] = "0.0.0.0"
            for words in [["config", "check"], ["doctor"]] {
                let check = try await program.run([Program.path] + words)
                #expect(check.ending == .exited(3))
                #expect(check.output.contains("cross the network in clear"))
            }
        }
    }

    @Test func pageOfAnotherPlaceIsRefused() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let host = server.httpURL.dropFirst("http://".count).dropLast()
            for (origin, answer) in [
                ("http://evil.example", "403 Forbidden"), ("http://\(host)", "101 Switching Protocols"),
            ] {
                let connection = try await RawConnection(to: server)
                try await connection.send(
                    """
                    GET /ws HTTP/1.1\r\nHost: \(host)\r\nOrigin: \(origin)\r\nConnection: Upgrade\r\n\
                    Upgrade: websocket\r
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                    """)
                let line = await connection.received.line { $0.hasPrefix("HTTP/1.1 ") }
                #expect(line == "HTTP/1.1 \(answer)\r")
                await connection.close()
            }
            await server.stop()
        }
    }

    @Test func limitsOfTheSettingsHoldAndAnAccountMayHaveItsOwn() async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_WRITES"] = "1/d burst 2"
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("hello", in: flow) == 200)
            #expect(try await alice.say("hello", in: flow) == 429)

            let changed = try await program.manage("user", "limits", "alice", "--writes", "off")
            #expect(changed.ending == .exited(0), "\(changed.errors)")
            #expect(try await alice.say("hello", in: flow) == 200)
            #expect(try await program.manage("user", "limits", "alice").output.contains("off"))
            await server.stop()
        }
    }

    private func line(of server: RunningServer, with words: String) async -> String? {
        await server.process.output.line { $0.contains(words) }
    }
}

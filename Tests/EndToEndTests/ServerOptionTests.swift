// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestClient
import Testing

/// What the options of `runserver` do to a real server.
@Suite(.timeLimit(.minutes(10)))
struct ServerOptionTests {
    @Test func requestsPastTheConcurrencyLimitGet503() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--limit-concurrency", "2")
            let alice = try await Person("alice", on: server)

            let page = try await HTTPClient.get(server.httpURL)
            let upgrade = await #expect(throws: ClientError.self) {
                try await WebSocketClient.connect(url: server.url)
            }

            #expect(page.status == 503)
            #expect(upgrade == .handshakeRefused(status: 503, reason: "Service Unavailable"))
            #expect(try await alice.ping() == 200)
            await server.stop()
        }
    }

    @Test func lastRequestThatIsAllowedEndsTheServer() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--limit-max-requests", "3")

            for _ in 1...2 { #expect(try await HTTPClient.get(server.httpURL + "livez").status == 200) }
            let socket = try await WebSocketClient.connect(url: server.url)

            #expect(await socket.closed().code == 1001)
            #expect(await server.process.ended() == .exited(0))
        }
    }

    @Test func webSocketsCanBeSwitchedOff() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--ws", "none")

            let refusal = await #expect(throws: ClientError.self) {
                try await WebSocketClient.connect(url: server.url)
            }

            #expect(refusal == .handshakeRefused(status: 404, reason: "Not Found"))
            #expect(!server.process.output.text.contains("ws://"))
            #expect(try await HTTPClient.get(server.httpURL + "readyz").status == 200)
            await server.stop()
        }
    }

    @Test func handshakesAreLimitedToTheCiphers() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            let server = try await program.startServer(
                "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile", certificates.server.key,
                "--ssl-ciphers", "ECDHE+AESGCM:!AES256")
            let place = server.httpURL.dropFirst("https://".count).dropLast()

            for (cipher, status) in [("ECDHE-ECDSA-AES128-GCM-SHA256", 0), ("ECDHE-ECDSA-AES256-GCM-SHA384", 1)] {
                let client = try await program.run([
                    "openssl", "s_client", "-connect", String(place), "-tls1_2", "-cipher", cipher,
                ])
                #expect(client.ending == .exited(Int32(status)), "\(cipher): \(client.output)\(client.errors)")
            }
            await server.stop()
        }
    }

    @Test func keepAliveTimeoutIsTheOptions() async throws {
        try await Program.with { program in
            let patient = try await program.startServer("--timeout-keep-alive", "3600")
            try program.write(
                "[DATABASE]\nURI = sqlite:other.db\n[ADMIN]\nSOCKET = other/admin.sock\n", to: "other.ini")
            let impatient = try await program.startServer("--timeout-keep-alive", "1", "--config", "other.ini")
            let kept = try await RawConnection(to: patient)
            #expect(try await kept.get("/livez") == "HTTP/1.1 200 OK\r")
            let dropped = try await RawConnection(to: impatient)
            #expect(try await dropped.get("/livez") == "HTTP/1.1 200 OK\r")

            await dropped.received.ended()

            #expect(try await kept.get("/livez") == "HTTP/1.1 200 OK\r")
            await kept.close()
            await impatient.stop()
            await patient.stop()
        }
    }

    @Test func changedSettingsStartTheServerAgainAtTheSameAddress() async throws {
        try await Program.with { program in
            try program.write("[SERVER]\nNAME = Before\n", to: "config.ini")
            let server = try await program.startServerOnKnownPort("--reload")
            let alice = try await Person("alice", on: server)
            #expect(try await HTTPClient.get(server.httpURL).text.contains("Before"))
            let firstLine = server.process.output.lineCount

            try program.write("[SERVER]\nNAME = Afterwards\n", to: "config.ini")

            #expect(await alice.client.webSocket.closed().code == 1001)
            let address = await RunningServer.announced("Home page", server.process, from: firstLine)
            #expect(address == server.httpURL)
            #expect(try await HTTPClient.get(server.httpURL).text.contains("Afterwards"))
            #expect(try await Person(alice.credentials, on: server).ping() == 200)
            await server.stop()
        }
    }

    @Test func optionsWithoutEffectAreToldAndAccepted() async throws {
        try await Program.with { program in
            let server = try await program.startServer(
                "--http", "h11", "--loop", "uvloop", "--lifespan", "on", "--interface", "asgi3", "--ws", "wsproto")

            for option in ["--http h11", "--loop uvloop", "--lifespan on", "--interface asgi3", "--ws wsproto"] {
                let note = await server.process.errors.line { $0.contains("\(option) has no effect") }
                #expect(note != nil, "\(option)")
            }
            await server.stop()
        }
    }

    @Test func encryptedServerServesPagesAndChat() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            let server = try await program.startServer(
                "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile", certificates.server.key)
            let trusting = ClientOptions(trust: .file(certificates.authority))

            #expect(server.httpURL.hasPrefix("https://") && server.url.hasPrefix("wss://"))
            #expect(try await HTTPClient.get(server.httpURL + "livez", options: trusting).status == 200)
            let client = try await MTPClient.connect(url: server.url, options: trusting)
            _ = try await client.register(login: "alice", password: "a password")
            await #expect(throws: ClientError.self) { try await MTPClient.connect(url: server.url) }
            await #expect(throws: ClientError.self) {
                try await MTPClient.connect(url: "ws" + server.url.dropFirst(3))
            }
            await client.close()
            await server.stop()
        }
    }

    @Test func clientsWithoutTheRightCertificateAreRefused() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            let server = try await program.startServer(
                "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile", certificates.server.key,
                "--ssl-ca-certs", certificates.authority, "--ssl-cert-reqs", "2")
            var options = ClientOptions(trust: .file(certificates.authority))

            await #expect(throws: ClientError.self) { try await MTPClient.connect(url: server.url, options: options) }
            options.clientCertificate = certificates.stranger
            await #expect(throws: ClientError.self) { try await MTPClient.connect(url: server.url, options: options) }
            options.clientCertificate = certificates.client
            let client = try await MTPClient.connect(url: server.url, options: options)
            _ = try await client.register(login: "alice", password: "a password")

            await client.close()
            await server.stop()
        }
    }
}

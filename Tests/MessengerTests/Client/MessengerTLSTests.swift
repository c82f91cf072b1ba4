// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Foundation
import TestClient
import Testing
import Transport

@testable import Messenger

/// The same protocol under TLS, and what a client says when there is none.
@Suite(.timeLimit(.minutes(10))) struct MessengerTLSTests {
    /// A folder with a fresh self-signed certificate for `localhost`, gone after `body`.
    private func withCertificate(_ body: (_ certificate: String, _ key: String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("messenger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (certificate, key) = (folder.path + "/cert.pem", folder.path + "/key.pem")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key,
        ]
        openssl.standardError = FileHandle.nullDevice
        // A wait would hold up one of the few threads that all tests share.
        try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
            openssl.terminationHandler = { _ in ended.resume() }
            do { try openssl.run() } catch { ended.resume(throwing: error) }
        }
        try #require(openssl.terminationStatus == 0)
        try await body(certificate, key)
    }

    private func connect(_ world: MessengerWorld, trust: TLSTrust) async throws(ClientError) -> MessengerClient {
        try await MessengerClient.connect(
            host: "localhost", port: world.port, isSecure: true, options: ClientOptions(trust: trust))
    }

    @Test func conversationUnderTLS() async throws {
        try await withCertificate { certificate, key in
            try await MessengerWorld.with(tls: TLSOptions(certificateFile: certificate, keyFile: key)) { world in
                let author = try await world.test.register("anna").principal
                try await world.test.register("bob")
                let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
                let text = String(repeating: "x", count: 10_000)
                try await world.test.send(text, to: flow, by: author)
                let bob = Device(client: try await connect(world, trust: .file(certificate)))

                try await bob.client.logIn("bob", password: ChatUnderTest.password)
                #expect(await bob.text(bytes: text.utf8.count) == text)
                try await bob.send("back", to: "anna")
                #expect(try await world.texts(between: author, and: "bob") == [text, "back"])

                // What was acknowledged does not come again.
                await bob.client.close()
                await world.allLeft()
                try await world.test.send("new", to: flow, by: author)
                let again = Device(client: try await connect(world, trust: .anyone))
                try await again.client.logIn("bob", password: ChatUnderTest.password)
                #expect(await again.messages(1) == ["anna: new"])
            }
        }
    }

    @Test func strangerIsNotBelieved() async throws {
        try await withCertificate { certificate, key in
            try await MessengerWorld.with(tls: TLSOptions(certificateFile: certificate, keyFile: key)) { world in
                await expectTLSError { try await connect(world, trust: .system) }
            }
        }
    }

    // The server waits for a request, the client for a handshake: both have their limits.
    @Test func serverWithoutTLSDoesNotAnswerTheHandshake() async throws {
        try await MessengerWorld.with { world in
            var options = ClientOptions(trust: .anyone)
            options.timeout = .milliseconds(300)
            let timeout = options

            await #expect(throws: ClientError.timedOut(address: "localhost:\(world.port)", after: .milliseconds(300))) {
                try await MessengerClient.connect(
                    host: "localhost", port: world.port, isSecure: true, options: timeout)
            }
        }
    }

    @Test func nobodyThereIsRefused() async throws {
        var port = 0
        try await MessengerWorld.with { port = $0.port }
        let closed = port

        await #expect(throws: ClientError.refused(address: "127.0.0.1:\(closed)")) {
            try await MessengerClient.connect(host: "127.0.0.1", port: closed)
        }
    }

    private func expectTLSError(_ body: () async throws -> MessengerClient) async {
        do {
            let client = try await body()
            Issue.record("connected")
            await client.close()
        } catch {
            guard case ClientError.tls = error else {
                Issue.record("\(error)")
                return
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOSSL
import TestClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct ClientTLSTests {
    /// A folder with a fresh self-signed certificate for `localhost`, gone after `body`.
    private func withCertificate(
        _ body: (_ certificate: String, _ context: NIOSSLContext) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("client-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (certificate, key) = (folder.path + "/cert.pem", folder.path + "/key.pem")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments =
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + [
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout",
                key,
            ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        try #require(openssl.terminationStatus == 0)
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        try await body(certificate, NIOSSLContext(configuration: configuration))
    }

    @Test func trustDecidesWhoIsBelieved() async throws {
        try await withCertificate { certificate, context in
            try await ScriptedServer.run(tls: context) { server in
                let url = server.url("wss", host: "localhost")
                for trust in [TLSTrust.file(certificate), .anyone] {
                    let client = try await WebSocketClient.connect(url: url, options: ClientOptions(trust: trust))
                    try await client.send(text: "secret")
                    #expect(try await client.receive() == Array("secret".utf8))
                    await client.close()
                }

                await expectTLSError { try await WebSocketClient.connect(url: url) }
                // The certificate is for a name, not for the number.
                await expectTLSError {
                    try await WebSocketClient.connect(
                        url: server.url("wss"), options: ClientOptions(trust: .file(certificate)))
                }
            }
        }
    }

    @Test func aServerWithoutTLSIsATLSError() async throws {
        try await ScriptedServer.run { server in
            await expectTLSError {
                try await WebSocketClient.connect(url: server.url("wss"), options: ClientOptions(trust: .anyone))
            }
        }
    }

    @Test func aMissingFileIsATLSError() async throws {
        await expectTLSError {
            try await WebSocketClient.connect(
                url: "wss://127.0.0.1:1/", options: ClientOptions(trust: .file("/nonexistent/ca.pem")))
        }
    }

    private func expectTLSError(_ body: () async throws -> WebSocketClient) async {
        await #expect {
            _ = try await body()
        } throws: {
            // In words of ours, not of the library.
            if case ClientError.tls(let reason) = $0 { !reason.contains { "(_:".contains($0) } } else { false }
        }
    }
}

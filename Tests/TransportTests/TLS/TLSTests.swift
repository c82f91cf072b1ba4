// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct TLSTests {
    private func options(_ certificates: TestCertificates) -> TLSOptions {
        TLSOptions(certificateFile: certificates.file("server.pem"), keyFile: certificates.file("server.key"))
    }

    private func clientContext(_ certificates: TestCertificates, showing name: String? = nil) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(certificates.file("ca.pem"))
        if let name {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificates.file("\(name).pem"))
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(file: certificates.file("\(name).key"), format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    @Test func webSocketAndPagesAreServedOverTLS() async throws {
        let certificates = try TestCertificates()
        var server = TestServer.Options()
        server.tls = try self.options(certificates).makeConfiguration()
        let context = try self.clientContext(certificates)
        try await withTestServer(server) { server in
            try await withRawClient(port: server.port, tls: context) { client in
                try await client.send(request: ["GET /page HTTP/1.1", "Host: localhost"])
                #expect(try await client.readResponse().body == "/page")
                try await client.openWebSocket()

                let text = String(repeating: "secret ", count: 9000)
                try await client.send(text: text)
                #expect(try await client.readFrame().text == text)

                try await client.send(clientFrame(.binary))
                #expect(try await client.readFrame().closeCode == 1003)
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func clientWithoutTLSIsCut() async throws {
        let certificates = try TestCertificates()
        var server = TestServer.Options()
        server.tls = try self.options(certificates).makeConfiguration()
        try await withTestServer(server) { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(request: ["GET / HTTP/1.1", "Host: localhost"])

                #expect(!String(decoding: await client.readToEnd(), as: UTF8.self).contains("HTTP/1.1 200"))
            }
        }
    }

    /// Whether a page is served to a client that shows this certificate.
    private func isServed(
        _ clientCertificate: TLSOptions.ClientCertificate,
        showing name: String?,
        certificates: TestCertificates
    ) async throws -> Bool {
        var options = self.options(certificates)
        options.clientCertificate = clientCertificate
        options.certificateAuthorityFile = certificates.file("ca.pem")
        var server = TestServer.Options()
        server.tls = try options.makeConfiguration()
        let context = try self.clientContext(certificates, showing: name)
        var isServed = false
        try await withTestServer(server) { server in
            do {
                isServed = try await withRawClient(port: server.port, tls: context) { client in
                    try await client.send(request: ["GET / HTTP/1.1", "Host: localhost"])
                    return try await client.readResponse().head.hasPrefix("HTTP/1.1 200 ")
                }
            } catch is NIOSSLError {
            } catch is RawClient.ConnectionEnded {
            } catch is BoringSSLError {
            } catch is IOError {
            } catch is ChannelError {}
        }
        return isServed
    }

    @Test func clientCertificatesAreAskedForAsSet() async throws {
        let certificates = try TestCertificates()

        #expect(try await self.isServed(.notAsked, showing: nil, certificates: certificates))
        #expect(try await self.isServed(.optional, showing: nil, certificates: certificates))
        #expect(try await self.isServed(.optional, showing: "client", certificates: certificates))
        #expect(try await self.isServed(.required, showing: "client", certificates: certificates))
        #expect(try await !self.isServed(.required, showing: nil, certificates: certificates))
        #expect(try await !self.isServed(.required, showing: "other", certificates: certificates))
    }

    @Test func errorsNameTheFileAndTheRemedy() throws {
        let certificates = try TestCertificates()
        try certificates.write("no PEM at all", to: "text.pem")
        let valid = self.options(certificates)

        func error(_ change: (inout TLSOptions) -> Void) -> TLSOptionsError? {
            var options = valid
            change(&options)
            do throws(TLSOptionsError) {
                _ = try options.makeConfiguration()
                return nil
            } catch {
                return error
            }
        }

        let cases: [(code: TLSOptionsError.Code, names: String, error: TLSOptionsError?)] = [
            (.fileMissing, "gone.pem", error { $0.certificateFile = certificates.file("gone.pem") }),
            (.fileMissing, "gone.key", error { $0.keyFile = certificates.file("gone.key") }),
            (.fileUnreadable, certificates.folder, error { $0.certificateFile = certificates.folder }),
            (.invalid, "text.pem", error { $0.certificateFile = certificates.file("text.pem") }),
            (.invalid, "text.pem", error { $0.keyFile = certificates.file("text.pem") }),
            (.invalid, "locked.key", error { $0.keyFile = certificates.file("locked.key") }),
            (.invalid, "server.pem", error { $0.keyFile = nil }),
            (.mismatch, "other.key", error { $0.keyFile = certificates.file("other.key") }),
            (.optionMissing, "--ssl-ca-certs", error { $0.clientCertificate = .required }),
            (.invalid, "no-such-suite", error { $0.ciphers = "AES128-SHA:no-such-suite" }),
            (.invalid, "is left", error { $0.ciphers = "HIGH:!ALL" }),
            (.invalid, "is left", error { $0.ciphers = ":" }),
        ]
        for (index, expected) in cases.enumerated() {
            let error = try #require(expected.error, "case \(index)")
            #expect(error.code == expected.code, "case \(index): \(error)")
            #expect(error.message.contains(expected.names), "case \(index): \(error)")
        }
        #expect(error { _ in } == nil)
    }

    @Test(
        arguments: CipherExpression.allSuites + [
            "TLSv1", "DEFAULT", CipherExpression.allSuites.joined(separator: ":"), "HIGH:!aNULL:!MD5",
            "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!MD5:!DSS:!AESCCM",
        ])
    func everyNamedCipherSuiteIsKnown(ciphers: String) throws {
        let certificates = try TestCertificates()
        // Their folder goes with them.
        defer { withExtendedLifetime(certificates) {} }
        var options = self.options(certificates)
        options.ciphers = ciphers

        #expect(throws: Never.self) { try NIOSSLContext(configuration: options.makeConfiguration()) }
    }

    @Test func oldVersionsAreRefused() async throws {
        let certificates = try TestCertificates()
        var options = self.options(certificates)
        options.minimumVersion = .tls13
        var server = TestServer.Options()
        server.tls = try options.makeConfiguration()
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(certificates.file("ca.pem"))
        configuration.maximumTLSVersion = .tlsv12
        let context = try NIOSSLContext(configuration: configuration)
        try await withTestServer(server) { server in
            await #expect(throws: (any Error).self) {
                try await withRawClient(port: server.port, tls: context) { client in
                    try await client.send(request: ["GET / HTTP/1.1", "Host: localhost"])
                    _ = try await client.readResponse()
                }
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

/// What `doctor` finds in real settings, files and servers.
@Suite(.timeLimit(.minutes(10)))
struct DoctorFindingTests {
    private static func expect(_ result: Program.Result, finds words: String...) {
        #expect(result.ending == .exited(3), "\(result.errors)")
        for words in words { #expect(result.output.contains(words), "\(words): \(result.output)") }
    }

    @Test func twoListenersWithOnePortAreFound() async throws {
        try await Program.with { program in
            let port = Int.random(in: 15_000..<32_000)
            program["PARLEY_MESSENGER_PORT"] = "\(port)"
            program["PARLEY_METRICS_LISTEN"] = "127.0.0.1:\(port)"

            Self.expect(
                try await program.manage("doctor"), finds: "MESSENGER.PORT and METRICS.LISTEN are both \(port).")
        }
    }

    @Test func portOfAnotherServerIsFound() async throws {
        try await Program.with { program in
            let server = try await program.startServerOnKnownPort()
            try program.write(
                "[DATABASE]\nURI = sqlite:other.db\n[ADMIN]\nSOCKET = other/admin.sock\n", to: "other.ini")
            let port = try #require(program["PARLEY_SERVER_PORT"])

            Self.expect(
                try await program.manage("doctor", "--config", "other.ini"),
                finds: "Another Parley server listens on port \(port) of 127.0.0.1.")
            await server.stop()
        }
    }

    @Test func certificateOfAnotherHostAndItsOpenKeyAreFound() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: certificates.server.key)
            program["PARLEY_SERVER_HOST"] = "chat.example.org"
            program["PARLEY_TLS_CERT_FILE"] = certificates.server.certificate
            program["PARLEY_TLS_KEY_FILE"] = certificates.server.key

            Self.expect(
                try await program.manage("doctor"),
                finds: "is not for 'chat.example.org'", "this one is for localhost",
                "The private key '\(certificates.server.key)' can be read or changed by every user")
        }
    }

    @Test func keyOfAnotherCertificateIsFound() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            program["PARLEY_TLS_CERT_FILE"] = certificates.server.certificate
            program["PARLEY_TLS_KEY_FILE"] = certificates.client.key

            Self.expect(try await program.manage("doctor"), finds: "TLS cannot be used.", "server.pem", "client.key")
        }
    }

    /// The key file of another server.
    @Test func keyFileThatDoesNotOpenTheSecretsIsFound() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            _ = try await Person("alice", on: server)
            await server.stop()
            program["PARLEY_DATABASE_URI"] = "sqlite:other.db"
            program["PARLEY_SECRETS_KEY_FILE"] = "other.key"
            try await program.startServer().stop()

            program["PARLEY_DATABASE_URI"] = nil

            Self.expect(
                try await program.manage("doctor"), finds: "does not open the secrets of 1 of 1 accounts",
                "Restore the former key file")
        }
    }

    @Test(.enabled(if: Engine.available.contains(.postgres))) func serversOfOneNameAreFound() async throws {
        try await ServerCluster.with(["alpha", "beta"]) { cluster in
            try await cluster.query("UPDATE nodes SET name = 'alpha'")
            ServerCluster.use("alpha", in: cluster.program)

            Self.expect(
                try await cluster.program.manage("doctor"), finds: "2 servers are running.",
                "2 running servers are called 'alpha'.")
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

/// An authority with a certificate for a server on 127.0.0.1 and one for a client, and a client's of another authority.
struct Certificates {
    typealias Pair = (certificate: String, key: String)

    let authority: String
    let server: Pair
    let client: Pair
    let stranger: Pair

    init(in program: Program) async throws {
        try await Self.makeAuthority("authority", in: program)
        try await Self.makeAuthority("elsewhere", in: program)
        authority = program.path("authority.pem")
        server = try await Self.make("server", by: "authority", in: program)
        client = try await Self.make("client", by: "authority", in: program)
        stranger = try await Self.make("stranger", by: "elsewhere", in: program)
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    private static func makeAuthority(_ name: String, in program: Program) async throws {
        try await openssl(
            ["req", "-x509"] + newKey + [
                "-keyout", "\(name).key", "-out", "\(name).pem", "-days", "2", "-subj", "/CN=\(name)",
            ], in: program)
    }

    private static func make(_ name: String, by authority: String, in program: Program) async throws -> Pair {
        try program.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n", to: "\(name).ext")
        try await openssl(
            ["req", "-new"] + newKey + ["-keyout", "\(name).key", "-out", "\(name).csr", "-subj", "/CN=\(name)"],
            in: program)
        try await openssl(
            [
                "x509", "-req", "-in", "\(name).csr", "-CA", "\(authority).pem", "-CAkey", "\(authority).key",
                "-CAcreateserial", "-days", "2", "-extfile", "\(name).ext", "-out", "\(name).pem",
            ], in: program)
        return (program.path("\(name).pem"), program.path("\(name).key"))
    }

    private static func openssl(_ words: [String], in program: Program) async throws {
        let result = try await program.run(["openssl"] + words)
        try #require(result.ending == .exited(0), "\(result.errors)")
    }
}

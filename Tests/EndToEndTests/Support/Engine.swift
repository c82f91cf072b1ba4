// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

/// The engines that a server under test can have its database on.
enum Engine: String, Sendable, CaseIterable {
    case sqlite, postgres

    /// PostgreSQL only if `PARLEY_TEST_POSTGRES` names a server.
    static let available: [Engine] = allCases.filter { $0 != .postgres || postgresURI != nil }

    /// `postgres://user:password@127.0.0.1:port/name`, as `Scripts/postgres start` prints it.
    private static let postgresURI: String? = getenv("PARLEY_TEST_POSTGRES").map { String(cString: $0) }

    /// Gives a program a database of its own around `body`.
    func prepare(_ program: Program, _ body: () async throws -> Void) async throws {
        guard self == .postgres else { return try await body() }
        let server = try #require(Self.postgresURI.flatMap { URLComponents(string: $0) })
        program["PGHOST"] = server.host
        program["PGPORT"] = String(server.port ?? 5432)
        program["PGUSER"] = server.user
        program["PGPASSWORD"] = server.password
        program["PGDATABASE"] = String(server.path.dropFirst())
        let name = "end_to_end_" + String(UInt64.random(in: .min ... .max), radix: 36)
        try await Self.run("CREATE DATABASE \(name)", with: program)
        var address = server
        address.path = "/" + name
        program["PARLEY_DATABASE_URI"] = address.string
        let result: Result<Void, any Error>
        do {
            let made = try await program.manage("db", "create")
            try #require(made.ending == .exited(0), "\(made.errors)")
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        try await Self.run("DROP DATABASE \(name) WITH (FORCE)", with: program)
        try result.get()
    }

    private static func run(_ sql: String, with program: Program) async throws {
        let done = try await program.run([
            "/usr/bin/psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", sql,
        ])
        try #require(done.ending == .exited(0), "\(done.errors)")
    }
}

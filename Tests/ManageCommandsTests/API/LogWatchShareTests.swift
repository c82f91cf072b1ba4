// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Settings
import Testing

@testable import ManageCommands

/// The watches of the log, which the API, the panel and `manage log tail` share.
@Suite(.timeLimit(.minutes(10)))
struct LogWatchShareTests {
    /// One who may only look cannot keep others from seeing the log.
    @Test func tokensOfOneAdministratorLeaveWatchesToOthers() async throws {
        let run = try CommandRun()
        try await WholeServer.during(run) { environment in
            let settings = try Settings.load(
                file: nil, environment: environment, overrides: [:], currentFolder: run.folder)
            let runner = OperationRunner(settings: settings)
            let http = PlainHTTP(port: try #require(environment["PARLEY_SERVER_PORT"].flatMap { Int($0) }))
            func watch(_ token: SecretText, _ query: String = "") async throws -> PlainHTTP.Answer {
                let header = "Authorization: Bearer \(token.clearText)"
                return try await http.ask("GET", "/admin/api/v1/server/log\(query)", [header])
            }
            var tokens: [SecretText] = []
            for name in ["ann", "bob"] {
                _ = try await runner.run(
                    CreateSuperuser(username: name, login: name, password: SecretText("a password")))
                for number in 1...2 {
                    tokens.append(
                        try await runner.run(CreateToken(name: "\(name)\(number)", superuser: name, scope: .read))
                            .secret)
                }
            }

            for number in 0..<4 { #expect(try await watch(tokens[number % 2]).status == 200) }
            let refused = try await watch(tokens[1])

            #expect(refused.status == 429)
            #expect(refused.text("type") == "urn:parley:problem:too_many")
            #expect(refused.text("detail") == "The tokens of this administrator watch the log as often as they may.")
            #expect(refused.text("next_step")?.hasPrefix("Read one of the watches on;") == true)
            let other = try await watch(tokens[2])
            #expect(other.status == 200)
            let id = try #require(other.body.firstMatch(of: /"watch":(\d+)/)?.1)
            #expect(try await watch(tokens[3], "?watch=\(id)").status == 200)
            #expect(try await watch(tokens[0], "?watch=\(id)").status == 404)
            for _ in 0..<8 { _ = try await runner.run(ReadServerLog()) }
        }
    }
}

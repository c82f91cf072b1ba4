// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import Messenger
import TestClient
import Testing

/// Registration by invitation on the real program, on every protocol.
@Suite(.timeLimit(.minutes(10)))
struct InviteTests {
    private static func manage(_ program: Program, _ words: String...) async throws -> JSONValue {
        let done = try await program.run([Program.path] + words + ["--json", "--quiet"])
        try #require(done.ending == .exited(0), "\(words): \(done.errors)")
        return try JSONValue.parse(Array(done.output.utf8))
    }

    @Test func codeMakesAccountsWhereThereIsAFieldForIt() async throws {
        try await Program.with { program in
            program["PARLEY_REGISTRATION_MODE"] = "invite"
            let server = try await program.startServer()
            let made = try await Self.manage(program, "invite", "create", "--uses", "2", "--expires", "1h")
            let code = try #require(made["code"]?.string)
            let id = try #require(made["invite"]?["id"]?.string)

            // MTP: without a code, with a wrong one, with the code.
            let client = try await MTPClient.connect(url: server.url)
            func register(_ login: String, invite: String?) async throws -> Int {
                var request = MTPRequest.registerUser(login: login, password: "a password")
                request.meta = invite.map { MTPMeta(invite: $0) }
                return try await client.request(request).code
            }
            #expect(try await register("alice", invite: nil) == 403)
            #expect(try await register("alice", invite: "guessed") == 403)
            #expect(try await register("alice", invite: code) == 201)

            // skaro takes the second use; then it is used up.
            let skaro = try await server.skaro()
            try await skaro.register(login: "bob", password: "a password", invite: code)
            try await skaro.authorize(login: "bob", password: "a password")
            await #expect(throws: SkaroDenial.self) {
                try await skaro.register(login: "carol", password: "a password", invite: code)
            }
            #expect(try await register("carol", invite: code) == 403)

            // messenger has no field for it, and serves those who have an account.
            let messenger = try await server.messenger()
            await #expect(throws: MessengerFailure.self) {
                try await messenger.signUp(login: "dave", password: "a password")
            }
            try await messenger.logIn("alice", password: "a password")

            // A revoked one is good for nobody; the code itself is nowhere shown again.
            let second = try await Self.manage(program, "invite", "create", "--note", "second")
            let secondID = try #require(second["invite"]?["id"]?.string)
            _ = try await Self.manage(program, "invite", "revoke", secondID)
            #expect(try await register("erin", invite: second["code"]?.string) == 403)
            let all = try await program.manage("invite", "list", "--all", "--json")
            #expect(!all.output.contains(code))
            let list = try #require(JSONValue.parse(Array(all.output.utf8))["invites"]?.array)
            let states = Set(list.map { "\($0["id"]?.string ?? "") \($0["status"]?.string ?? "")" })
            #expect(states == ["\(id) used", "\(secondID) revoked"])
            await server.stop()
            #expect(!server.process.errors.text.contains(code))
        }
    }
}

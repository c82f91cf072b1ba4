// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage
import Testing

@testable import Credentials
@testable import Operations

struct TokenOperationTests {
    private func superuser(_ name: String, in office: Office) async throws {
        _ = try await office.run(CreateSuperuser(username: name, login: name, password: SecretText("secret word")))
    }

    private func token(
        _ name: String, of superuser: String = "root", scope: OperationActor.Scope = .read, in office: Office
    ) async throws -> SecretText {
        try await office.run(CreateToken(name: name, superuser: superuser, scope: scope)).secret
    }

    @Test func tokenActsForItsAdministratorUntilItIsRevoked() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            let look = try await token("look", in: office)
            let change = try await token("change", scope: .write, in: office)

            #expect(
                try await office.context.administrator(token: look) == AdminPrincipal(name: "root", scope: .read))
            #expect(
                try await office.context.administrator(token: change) == AdminPrincipal(name: "root", scope: .write))
            #expect(try await office.run(ListTokens()).tokens.map(\.lastUsed) == [Office.time.text, Office.time.text])

            let revoked = try await office.run(RevokeToken(name: "look"))

            #expect(revoked.status == .revoked)
            #expect(try await office.context.administrator(token: look) == nil)
            #expect(try await office.context.administrator(token: change) != nil)
            #expect(try await office.refusal(of: RevokeToken(name: "look")).kind == .notFound)
        }
    }

    @Test(arguments: ["", "x", String(repeating: "0", count: 64), String(repeating: "a", count: 100_000), "\u{0}"])
    func otherTextsAreNoTokens(_ text: String) async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            _ = try await token("look", in: office)

            #expect(try await office.context.administrator(token: SecretText(text)) == nil)
        }
    }

    @Test func anAdministratorWhoIsNoneAnyMoreIsOutAtOnce() async throws {
        try await Office.open { office in
            for name in ["root", "alice", "bob"] { try await superuser(name, in: office) }
            let ofAlice = try await token("of alice", of: "alice", in: office)
            let ofBob = try await token("of bob", of: "bob", in: office)

            _ = try await office.run(DeleteSuperuser(username: "alice"))
            _ = try await office.run(DeleteUser(login: "bob"))

            #expect(try await office.context.administrator(token: ofAlice) == nil)
            #expect(try await office.context.administrator(token: ofBob) == nil)
            #expect(try await office.run(ListTokens()).tokens.isEmpty)
        }
    }

    @Test func tokensEnd() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            let made = try await office.run(CreateToken(name: "short", superuser: "root", seconds: 60))

            #expect(made.token.expires == "2026-02-01T00:01:00.250Z")
            #expect(made.token.status == .valid)
            try await office.chat.storage.engine.write { connection in
                _ = try connection.execute("UPDATE admin_tokens SET expires_ms = created_ms")
            }
            #expect(try await office.context.administrator(token: made.secret) == nil)
            #expect(try await office.run(ListTokens()).tokens.first?.status == .expired)
        }
    }

    @Test func whatCannotBeIsRefused() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            _ = try await token("taken", in: office)
            func kind(_ operation: CreateToken) async throws -> OperationError.Kind {
                try await office.refusal(of: operation).kind
            }

            #expect(try await kind(CreateToken(name: "", superuser: "root")) == .invalid)
            #expect(try await kind(CreateToken(name: "\u{0}", superuser: "root")) == .invalid)
            #expect(
                try await kind(CreateToken(name: String(repeating: "x", count: 10_000), superuser: "root")) == .invalid)
            #expect(try await kind(CreateToken(name: "a", superuser: "nobody")) == .notFound)
            #expect(try await kind(CreateToken(name: "taken", superuser: "root")) == .exists)
            #expect(try await kind(CreateToken(name: "a", superuser: "root", seconds: 0)) == .invalid)
            #expect(try await kind(CreateToken(name: "a", superuser: "root", seconds: .max)) == .invalid)
            #expect(try await office.refusal(of: RevokeToken(name: "\u{0}")).kind == .invalid)
        }
    }

    // MARK: The second factor

    @Test func codeOfASecondFactorIsTakenOnce() async throws {
        let sealer = try #require(Sealer(keys: [[UInt8](repeating: 7, count: 32)]))
        try await Office.open(sealer: sealer) { office in
            try await superuser("root", in: office)
            let made = try await office.run(SetSecondFactor(username: "root", isEnabled: true))
            let uri = try #require(made.uri).clearText
            let record = try #require(try await office.chat.storage.admin(username: "root"))
            let sealed = try #require(record.totpSecret)
            let factor = try #require(
                TOTP(bytes: try sealer.open(sealed, associatedData: Array("totp root".utf8))))
            #expect(uri == factor.uri(issuer: "Parley", account: "root"))
            let code = factor.code(atStep: Office.time.milliseconds / 30_000)

            #expect(try await !office.chat.acceptsSecondFactor("x\(code.dropFirst())", of: record))
            #expect(try await office.chat.acceptsSecondFactor(code, of: record))
            #expect(try await !office.chat.acceptsSecondFactor(code, of: record))
            #expect(try await office.run(ListSuperusers()).superusers.map(\.hasSecondFactor) == [true])
            #expect(
                try await office.refusal(of: SetSecondFactor(username: "root", isEnabled: true)).kind == .exists)

            _ = try await office.run(SetSecondFactor(username: "root", isEnabled: false))
            let without = try #require(try await office.chat.storage.admin(username: "root"))
            #expect(try await !office.chat.acceptsSecondFactor(code, of: without))
            #expect(
                try await office.refusal(of: SetSecondFactor(username: "root", isEnabled: false)).kind == .notFound)
            #expect(
                try await office.refusal(of: SetSecondFactor(username: "nobody", isEnabled: true)).kind == .notFound)
        }
    }

    @Test func withoutAKeyFileThereIsNoSecondFactor() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)

            #expect(
                try await office.refusal(of: SetSecondFactor(username: "root", isEnabled: true)).kind == .unavailable)
        }
    }
}

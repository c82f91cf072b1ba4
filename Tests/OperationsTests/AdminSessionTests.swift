// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage
import Testing

@testable import Credentials
@testable import Operations

struct AdminSessionTests {
    private static let home = Origin(protocol: "web", address: "192.0.2.7")
    private static let word = SecretText("secret word")

    private func superuser(_ name: String, in office: Office) async throws {
        _ = try await office.run(CreateSuperuser(username: name, login: name, password: Self.word))
    }

    private func refusal(
        _ office: Office, name: String = "root", password: String = "secret word", code: String = "",
        from origin: Origin = home
    ) async throws -> OperationError {
        let sessions = AdminSessions(chat: office.chat)
        return try #require(
            await #expect(throws: OperationError.self) {
                try await sessions.logIn(name: name, password: SecretText(password), code: code, from: origin)
            })
    }

    @Test func loginActsForItsAdministratorUntilItEnds() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            let sessions = AdminSessions(chat: office.chat)

            let token = try await sessions.logIn(name: "root", password: Self.word, code: "", from: Self.home)
            let other = try await sessions.logIn(name: "root", password: Self.word, code: "", from: Self.home)

            #expect(try await sessions.administrator(token) == AdminPrincipal(name: "root", scope: .write))
            // It is no token of the API, and is not listed as one.
            #expect(try await office.context.administrator(token: token) == nil)
            #expect(try await office.run(ListTokens()).tokens.isEmpty)
            let record = try #require(try await office.run(ListAudit()).items.first)
            #expect(record.what == "panel.login" && record.who == "root" && record.address == "192.0.2.7")

            try await sessions.logOut(token)
            try await sessions.logOut(token)
            #expect(try await sessions.administrator(token) == nil)
            #expect(try await sessions.administrator(other) != nil)
            _ = try await office.run(SetPassword(login: "root", password: SecretText("another word")))
            #expect(try await sessions.administrator(other) == nil)
            #expect(try await refusal(office).kind == .refused)
        }
    }

    @Test func anAdministratorWhoIsNoneAnyMoreIsOutAtOnce() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            let sessions = AdminSessions(chat: office.chat)
            let token = try await sessions.logIn(name: "root", password: Self.word, code: "", from: Self.home)

            _ = try await office.run(DeleteSuperuser(username: "root"))

            #expect(try await sessions.administrator(token) == nil)
            #expect(try await refusal(office).kind == .refused)
        }
    }

    @Test func nothingTellsWhatIsWrong() async throws {
        let sealer = try #require(Sealer(keys: [[UInt8](repeating: 7, count: 32)]))
        try await Office.open(sealer: sealer) { office in
            for name in ["root", "two"] { try await superuser(name, in: office) }
            try await office.user("alice")
            _ = try await office.run(SetSecondFactor(username: "two", isEnabled: true))

            let refusals = [
                try await refusal(office, password: "wrong"), try await refusal(office, name: "nobody"),
                try await refusal(office, name: "alice"), try await refusal(office, name: "two"),
                try await refusal(office, name: "two", code: "12345"), try await refusal(office, name: "ro\u{0}ot"),
                try await refusal(office, name: String(repeating: "x", count: 10_000)),
            ]

            #expect(refusals.allSatisfy { $0 == refusals[0] })
            #expect(try await office.run(ListAudit(what: "panel")).items.isEmpty)
        }
    }

    @Test func codeLetsInOnce() async throws {
        let sealer = try #require(Sealer(keys: [[UInt8](repeating: 7, count: 32)]))
        try await Office.open(sealer: sealer) { office in
            try await superuser("root", in: office)
            let factor = try #require(TOTP(bytes: Array("12345678901234567890".utf8)))
            let sealed = try #require(office.chat.seal(factor, of: "root"))
            _ = try await office.chat.write(Write.SetTOTP(username: "root", sealed), by: nil)
            let sessions = AdminSessions(chat: office.chat)
            let code = factor.code(atStep: Office.time.milliseconds / 30_000)

            let token = try await sessions.logIn(name: "root", password: Self.word, code: code, from: Self.home)

            #expect(try await sessions.administrator(token) != nil)
            #expect(try await refusal(office, code: code).kind == .refused)
        }
    }

    @Test func guessingIsSlowedAndTheOwnerIsNotShutOut() async throws {
        try await Office.open { office in
            try await superuser("root", in: office)
            let thief = Origin(protocol: "web", address: "198.51.100.9")
            for _ in 0..<5 {
                #expect(try await refusal(office, password: "guess", from: thief).kind == .refused)
            }

            #expect(try await refusal(office, password: "secret word", from: thief).kind == .busy)
            let sessions = AdminSessions(chat: office.chat)
            let token = try await sessions.logIn(name: "root", password: Self.word, code: "", from: Self.home)
            #expect(try await sessions.administrator(token) != nil)
        }
    }
}

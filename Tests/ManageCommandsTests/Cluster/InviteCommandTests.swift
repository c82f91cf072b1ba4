// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import ManageCommands

/// `invite`, with no server running.
struct InviteCommandTests {
    private let run: CommandRun
    private let invite = ["PARLEY_REGISTRATION_MODE": "invite"]

    init() throws {
        run = try CommandRun()
    }

    private func prepare() async throws {
        let made = try await run("db", "create", "-q")
        #expect(made.status == .done)
    }

    private func json(_ words: String...) async throws -> JSONValue {
        let result = try await run.run(words + ["--json", "-q"])
        #expect(result.status == .done, "\(result.errors)")
        return try JSONValue.parse(Array(result.output.utf8))
    }

    @Test func codeIsShownOnceAndListedWithoutIt() async throws {
        try await prepare()

        let made = try await run(
            "invite", "create", "--uses", "3", "--expires", "7d", "--note", "Class\n2026", environment: invite)

        #expect(made.status == .done)
        #expect(made.errors.isEmpty || !made.errors.contains("REGISTRATION"))
        let lines = made.output.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        #expect(lines.map(\.first) == ["Code", "Id", "Accounts", "Expires", "Note"])
        let code = try #require(lines[0].last).filter { $0 != " " }
        let id = try #require(lines[1].last).filter { $0 != " " }
        #expect(code.count == 32 && id.count == 12)
        let listed = try await run("invite", "list", "-q")
        #expect(listed.output.contains("\(id)  valid   3     0"))
        #expect(listed.output.contains(#"Class\u{a}2026"#))
        #expect(!listed.output.contains(code))
    }

    @Test func jsonHasEveryKey() async throws {
        try await prepare()

        let made = try await json("invite", "create", "--expires", "never")
        let list = try await json("invite", "list")
        let usual = try await json("invite", "create")

        #expect(usual["invite"]?["expires"]?.string != nil)
        #expect(made["code"]?.string?.count == 32)
        #expect(made["version"]?.int == 1)
        #expect(made["invite"]?["expires"]?.isNull == true)
        #expect(made["invite"]?["uses_left"]?.int == 1)
        #expect(list["invites"]?.array?.count == 1)
        #expect(list["is_cut"]?.bool == false)
    }

    @Test func revokedCodeIsListedOnlyWithAll() async throws {
        try await prepare()
        let id = try #require(try await json("invite", "create")["invite"]?["id"]?.string)

        let revoked = try await run("invite", "revoke", String(id.prefix(8)), "-q")
        let again = try await run("invite", "revoke", id, "-q")
        let unknown = try await run("invite", "revoke", "0123456789ab", "-q")

        #expect(revoked.output == "Revoked \(id). Accounts made with it: 0.\n")
        #expect(again.status == .exists)
        #expect(unknown.status == .notFound)
        #expect(try await json("invite", "list")["invites"]?.array?.count == 0)
        let all = try await json("invite", "list", "--all")
        #expect(all["invites"]?.array?[0]["status"]?.string == "revoked")
    }

    @Test func operatorIsToldWhenCodesAreNotAskedFor() async throws {
        try await prepare()

        let result = try await run("invite", "create", environment: ["PARLEY_REGISTRATION_MODE": "open"])

        #expect(result.errors.contains("Invites have no effect while registration is open"))
    }

    @Test(arguments: ["0d", "-1h", "d", "7", "1y", "7 d", "Never", "99999999999999999999w", "9223372036854775807w"])
    func whatIsNoTimeIsRefused(_ word: String) async throws {
        let result = try await run("invite", "create", "--expires=\(word)")

        #expect(result.status == .usage)
    }

    @Test func tooMuchIsRefusedWithASentence() async throws {
        try await prepare()

        for words in [["--uses", "0"], ["--expires", "600w"], ["--note", String(repeating: "x", count: 1025)]] {
            let result = try await run.run(["invite", "create", "-q"] + words)
            #expect(result.status == .usage)
            #expect(result.errors.hasPrefix("Error: "))
        }
    }
}

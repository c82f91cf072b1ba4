// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Logging
import ParleyServer
import Settings
import Storage
import Testing

@testable import ManageCommands

/// `audit`, `token` and `superuser-totp`, with no server running.
struct AuditCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func prepare() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        let made = try await run("superuser-create", "--username", "root", "--password-stdin", "-q", input: "a word\n")
        #expect(made.status == .done)
    }

    private func json(_ words: String..., status: CommandStatus = .done) async throws -> JSONValue {
        let result = try await run.run(words + ["--json", "-q"])
        #expect(result.status == status, "\(result.errors)")
        return try JSONValue.parse(Array(result.output.utf8))
    }

    private func removeRecord(_ number: Int64) async throws {
        let settings = try Settings.load(file: nil, environment: [:], overrides: [:], currentFolder: run.folder)
        let store = try await StoreAccess(settings: settings).open(logger: Logger(label: "test"))
        try await store.storage.engine.write { connection in
            _ = try connection.execute("DELETE FROM audit WHERE number = $1", [.int(number)])
        }
        await store.close()
    }

    @Test func auditIsListedNewestFirst() async throws {
        try await prepare()
        #expect(try await run("token", "revoke", "no\nbody", "-q").status == .notFound)

        let listed = try await run("audit", "list", "-q")
        let narrowed = try await run("audit", "list", "--what", "superuser", "--since", "1h", "--limit", "5", "-q")
        let records = try await json("audit", "list", "--limit", "1")

        let lines = listed.output.split(separator: "\n")
        #expect(listed.status == .done && lines.count == 3)
        #expect(lines[0].hasPrefix("NUMBER"))
        #expect(lines[1].contains(#"token.revoke"#) && lines[1].contains(#"no\u{a}body"#))
        #expect(lines[1].hasSuffix("not_found"))
        #expect(lines[2].contains("cli") && lines[2].contains("superuser.create  root") && lines[2].hasSuffix("done"))
        #expect(narrowed.output.split(separator: "\n").count == 2)
        #expect(records["records"]?.array?[0]["result"]?.string == "refused")
        #expect(records["records"]?.array?[0]["address"]?.isNull == true)
        #expect(records["next"]?.int == 2)
        #expect(try await json("audit", "list", "--who", "nobody at all")["records"]?.array?.count == 0)
    }

    @Test func whatWasRemovedIsFound() async throws {
        try await prepare()
        for login in ["alice", "bob"] {
            _ = try await run("user", "create", "--login", login, "--password-stdin", "-q", input: "word\n")
        }

        let right = try await run("audit", "verify", "-q")
        #expect(right.status == .done)
        #expect(right.output.hasPrefix("3 records in order, the last one with the hash "))
        #expect(try await json("audit", "verify")["finding"]?.isNull == true)

        try await removeRecord(3)

        let wrong = try await run("audit", "verify", "-q")
        #expect(wrong.status == .findings)
        #expect(wrong.output.hasPrefix("Record 3 is missing.\n2 records in order"))
        let finding = try await json("audit", "verify", status: .findings)["finding"]
        #expect(finding?["number"]?.int == 3)
        #expect(finding?["kind"]?.string == "missing")
    }

    @Test func tokenIsShownOnceListedAndRevoked() async throws {
        try await prepare()

        let made = try await run("token", "create", "backup", "--superuser", "root", "--expires", "30d", "-q")
        let written = try await json("token", "create", "signup", "--superuser", "root", "--scope", "write")
        let listed = try await run("token", "list", "-q")
        let revoked = try await run("token", "revoke", "backup", "-q")

        let fields = made.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(made.status == .done)
        #expect(fields.map(\.first) == ["Token", "Name", "Superuser", "Scope", "Expires"])
        let secret = try #require(fields[0].last)
        #expect(secret.count == 64)
        #expect(written["secret"]?.string?.count == 64)
        #expect(written["token"]?["scope"]?.string == "write")
        #expect(written["token"]?["last_used"]?.isNull == true)
        #expect(!listed.output.contains(secret))
        #expect(listed.output.contains("signup  root       write  valid"))
        #expect(listed.output.contains("backup  root       read   valid"))
        #expect(revoked.output == "Revoked 'backup' of 'root'.\n")
        #expect(try await json("token", "list")["tokens"]?.array?.count == 2)
        let trace = try await run("audit", "list", "--json", "-q").output
        #expect(!trace.contains(secret))
    }

    @Test func tokensThatCannotBeAreRefused() async throws {
        try await prepare()

        for (words, status) in [
            (["create", "a", "--superuser", "nobody"], .notFound), (["create", "a"], .usage),
            (["create", "a", "--superuser", "root", "--scope", "all"], .usage),
            (["create", "a", "--superuser", "root", "--expires", "600w"], .usage), (["revoke", "a"], .notFound),
        ] as [([String], CommandStatus)] {
            let result = try await run.run(["token"] + words)
            #expect(result.status == status, "\(words)")
        }
    }

    @Test func secondFactorIsShownOnce() async throws {
        try await prepare()

        let enabled = try await run("superuser-totp", "root", "enable", "-q")
        let again = try await run("superuser-totp", "root", "enable", "-q")
        let listed = try await run("superuser", "list", "-q")
        let disabled = try await json("superuser-totp", "root", "disable")

        #expect(enabled.status == .done)
        #expect(enabled.output.contains("otpauth://totp/Parley:root?secret="))
        #expect(again.status == .exists && !again.output.contains("otpauth"))
        #expect(listed.output.contains("root  root   on"))
        #expect(disabled["uri"]?.isNull == true)
        #expect(try await run("superuser-totp", "root", "toggle").status == .usage)
        #expect(try await run("superuser-totp", "nobody", "enable", "-q").status == .notFound)
    }
}

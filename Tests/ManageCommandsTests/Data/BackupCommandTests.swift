// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import JSON
import Settings
import Storage
import Testing

@testable import ManageCommands

struct BackupCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// A folder with a database and two users.
    private func prepare() async throws {
        try run.write("[ADMIN]\nSECRET_KEY = swordfish\n", to: "config.ini")
        #expect(try await run("db", "create", "-q").status == .done)
        for login in ["alice", "bob"] {
            let made = try await run("user", "create", "--login", login, "--password-stdin", "-q", input: "word\n")
            #expect(made.status == .done)
        }
    }

    @Test func aBackupIsMadeVerifiedListedAndRestored() async throws {
        try await prepare()

        let made = try await run("db", "backup", "a.tar.gz")
        let again = try await run("db", "backup", "a.tar.gz")
        let named = try await run("db", "backup", "--json")
        let verified = try await run("backup", "verify", "a.tar.gz")
        let listed = try await run("backup", "list")
        #expect(made.status == .done)
        #expect(made.output.hasPrefix("Wrote ") && made.output.contains("\(run.folder)/a.tar.gz ("))
        #expect(again.status == .exists)
        #expect(again.errors == "Error: The file '\(run.folder)/a.tar.gz' exists already; nothing was written.\n")
        #expect(named.status == .done)
        #expect(named.output.contains("\(run.folder)/backup/parley-"))
        #expect(verified.status == .done)
        #expect(
            verified.output.contains("users        2 rows\n") && verified.output.hasSuffix("The backup is whole.\n"))
        #expect(
            listed.output.contains("parley-") && listed.output.contains("9.8.7") && listed.output.contains("sqlite"))

        let full = try await run("db", "restore", "a.tar.gz")
        #expect(full.status == .exists)
        #expect(full.errors.contains("nothing was changed"))
        let other = ["PARLEY_DATABASE_URI": "sqlite:other.db"]
        let restored = try await run("db", "restore", "a.tar.gz", environment: other)
        #expect(restored.status == .done)
        #expect(restored.output.contains("Restored ") && restored.output.contains("everybody logs in again"))
        let users = try await run("user", "list", environment: other)
        #expect(users.output.contains("alice") && users.output.contains("bob"))
    }

    @Test func aDamagedBackupIsFoundAndChangesNothing() async throws {
        try await prepare()
        #expect(try await run("db", "backup", "a.tar.gz", "-q").status == .done)
        truncate(run.path("a.tar.gz"), 1000)

        let verified = try await run("backup", "verify", "a.tar.gz")
        let restored = try await run("db", "restore", "a.tar.gz", environment: ["PARLEY_DATABASE_URI": "sqlite:new.db"])
        let missing = try await run("backup", "verify", "b.tar.gz")
        let noBackup = try await run(
            "db", "restore", "config.ini", environment: ["PARLEY_DATABASE_URI": "sqlite:new.db"])

        #expect(verified.status == .findings)
        #expect(verified.errors == "Error: The archive is damaged: it ends too early.\n")
        #expect(restored.status == .findings)
        #expect(noBackup.status == .findings)
        #expect(missing.status == .notFound)
        let status = try await run("db", "status", environment: ["PARLEY_DATABASE_URI": "sqlite:new.db"])
        #expect(status.output.contains("empty"))
    }

    @Test func secretsAreInABackupOnlyWhenAskedFor() async throws {
        try await prepare()
        for (flag, isThere) in [([String](), false), (["--with-secrets"], true)] {
            let name = isThere ? "secret.tar.gz" : "plain.tar.gz"
            #expect(try await run.run(["db", "backup", name, "-q"] + flag).status == .done)
            let text = try unpacked(name)
            #expect(text.contains("swordfish") == isThere)
            #expect(text.contains("[ADMIN]"))
        }
    }

    private func unpacked(_ name: String) throws -> String {
        let file = try #require(popen("tar -xzOf '\(run.path(name))' settings", "r"))
        defer { pclose(file) }
        var text = ""
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), file) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return text
    }

    @Test func aBackupOfNothingSaysWhatToDo() async throws {
        let missing = try await run("db", "backup", "a.tar.gz")
        #expect(missing.status == .notFound)
        #expect(missing.errors.contains("manage db create"))
        #expect(run.names().filter { $0.hasSuffix(".tar.gz") }.isEmpty)
        #expect(try await run("db", "backup", "-", "--json").status == .usage)
        #expect(try await run("backup", "list").output == "No backups in \(run.folder)/backup.\n")
    }

    @Test func aBackupIsMadeBesideTheServerWithTheFile() async throws {
        try await prepare()
        try await RunningServer.during(run) { _ in
            let made = try await run("db", "backup", "a.tar.gz")
            let restored = try await run("db", "restore", "a.tar.gz")
            let user = try await run("user", "create", "--login", "carol", "--password-stdin", "-q", input: "w\n")

            #expect(made.status == .done && restored.status == .busy && user.status == .done)
        }
        #expect(try await run("backup", "verify", "a.tar.gz").output.contains("users        2 rows\n"))
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Operations
import Settings
import TestSupport
import Testing

@testable import ManageCommands

@Suite(.timeLimit(.minutes(10))) struct DoctorTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func check(_ text: String = "") throws -> DatabaseCheck {
        if !text.isEmpty { try run.write(text, to: "config.ini") }
        return DatabaseCheck(
            settings: try Settings.load(environment: [:], currentFolder: run.folder), now: { 1_769_904_000 })
    }

    /// The findings of one check as `severity: message`.
    private func findings(_ checks: [DoctorCheck], _ name: String) -> [String] {
        checks.filter { $0.name == name }.flatMap(\.findings).map { "\($0.severity.rawValue): \($0.message)" }
    }

    // MARK: Database

    @Test func missingDatabaseIsANoteAndStaysMissing() async throws {
        let checks = await (try check()).examine()

        let note = "note: The database '\(run.path("db_sqlite.db"))' does not exist yet."
        #expect(findings(checks, "database") == [note])
        #expect(run.names().isEmpty)
    }

    @Test func databaseThatCannotBeMadeIsAnError() async throws {
        let checks = await (try check("[DATABASE]\nURI = sqlite:/proc/none/x.db\n")).examine()

        #expect(checks.first?.severity == .error)
        #expect(checks.first?.findings.first?.line == 2)
        #expect(checks.first?.findings.first?.message.contains("/proc/none/x.db") == true)
    }

    @Test func fileOfAnotherKindIsLeftAlone() async throws {
        try run.write("This is a letter, and no database at all.", to: "db_sqlite.db")

        let checks = await (try check()).examine()

        #expect(findings(checks, "database") == ["error: '\(run.path("db_sqlite.db"))' is not an SQLite database."])
        #expect(try run.content(of: "db_sqlite.db") == "This is a letter, and no database at all.")
        #expect(run.names() == ["db_sqlite.db"])
    }

    @Test func unreachablePostgresIsAnErrorWithoutItsPassword() async throws {
        let text = "[DATABASE]\nURI = postgres://u:hunter2@127.0.0.1:1/n\nBUSY_TIMEOUT = 1\n"
        let checks = await (try check(text)).examine()

        #expect(checks.first?.severity == .error)
        #expect(!"\(checks)".contains("hunter2"))
        let result = try await run("doctor")
        #expect(result.status == .findings)
        #expect(result.errors == "")
        #expect(result.output.contains("cannot be reached"))
    }

    @Test func databaseInOrderHasNoFindings() async throws {
        #expect(try await run("db", "create").status == .done)

        let checks = await (try check()).examine()

        #expect(checks.map(\.name) == ["database", "clock"] || checks.map(\.name) == ["database"])
        #expect(checks.flatMap(\.findings).isEmpty)
        #expect(checks.first?.summary.contains("SQLite") == true)
    }

    @Test func eventsAheadOfTheClockAreFound() async throws {
        let ahead = (try check()).clockCheck(newestEventSeconds: 1_769_904_000 + 3600)
        let near = (try check()).clockCheck(newestEventSeconds: 1_769_904_000 + 60)
        let past = (try check()).clockCheck(newestEventSeconds: 1_769_904_000 + 61)

        #expect(ahead.severity == .warning)
        #expect(ahead.findings.first?.message.contains("3600 seconds") == true)
        #expect(ahead.findings.first?.remedy.contains("steps back") == true)
        #expect(near.severity == nil)
        #expect(near.summary == "The newest event is not more than a minute ahead of the clock.")
        #expect(past.severity == .warning)
    }

    @Test func eventsOfTheStoreAreComparedWithTheClock() async throws {
        #expect(try await run("db", "create").status == .done)
        let made = try await run(
            "user", "create", "--login", "alice", "--username", "Alice", "--password-stdin", input: "secret-word\n")
        #expect(made.status == .done)

        // The event has the real time, which lies far ahead of this clock.
        let checks = await DatabaseCheck(settings: (try check()).settings, now: { 1_000_000_000 }).examine()

        #expect(checks.last?.name == "clock")
        #expect(checks.last?.severity == .warning)
    }

    @Test(arguments: [
        (["fsync": "off", "synchronous_commit": "on", "full_page_writes": "on"], ["fsync"]),
        (["synchronous_commit": "off", "full_page_writes": "off"], ["full_page_writes", "synchronous_commit"]),
        (["synchronous": "NORMAL", "journal_mode": "wal"], ["synchronous"]),
        (["synchronous": "FULL", "journal_mode": "wal"], []), (["fsync": "on"], []), ([:], []),
    ]) func settingsThatLoseCommitsAreErrors(durability: [String: String], expected: [String]) throws {
        let found = (try check()).durabilityFindings(durability)

        #expect(found.count == expected.count)
        for (finding, name) in zip(found, expected) {
            #expect(finding.severity == .error)
            #expect(finding.message.contains(" \(name) = "))
            #expect(!finding.remedy.isEmpty)
        }
    }

    @Test(arguments: [
        ("current", nil), ("empty", SettingsFinding.Severity.warning), ("old", .warning), ("newer", .error),
        ("foreign", .error), ("halfMigrated", .error), ("unheard-of", .error),
    ]) func schemaIsJudged(schema: String, severity: SettingsFinding.Severity?) throws {
        let report = try JSONReport.status(schema: schema)

        #expect((try check()).check(report).severity == severity)
    }

    // MARK: Secrets and names

    @Test func lostKeyFileIsFoundAndNotMadeAnew() async throws {
        #expect(try await run("db", "create").status == .done)
        let made = try await run(
            "user", "create", "--login", "alice", "--username", "Alice", "--password-stdin", input: "secret-word\n")
        #expect(made.status == .done)
        let whole = try await run("doctor", "--json")
        #expect(unlink(run.path("run/secret.key")) == 0)

        let lost = try await run("doctor")

        #expect(!whole.output.contains("secret.key' is missing"))
        #expect(lost.status == .findings)
        #expect(lost.output.contains("run/secret.key' is missing"))
        #expect(TemporaryFolder.names(inFolder: run.path("run")).filter { $0.hasSuffix(".key") }.isEmpty)
    }

    @Test func keyFileThatOthersCanReadIsFound() async throws {
        #expect(try await run("db", "create").status == .done)
        _ = try await run(
            "user", "create", "--login", "alice", "--username", "Alice", "--password-stdin", input: "secret-word\n")
        chmod(run.path("run/secret.key"), 0o644)

        let result = try await run("doctor")

        #expect(result.status == .findings)
        #expect(result.output.contains("can be read by others"))
    }

    @Test func secretsThatTheKeyDoesNotOpenAreCounted() {
        let other = SecretsCheck.findings(path: "k", isThere: true, sealed: CheckSecrets.Report(sealed: 3, unopened: 2))
        let none = SecretsCheck.findings(path: "k", isThere: true, sealed: CheckSecrets.Report(sealed: 3, unopened: 0))

        let held = SecretsCheck.findings(
            path: "k", isThere: true, sealed: CheckSecrets.Report(heldKeys: 5, unopenedKeys: 4))
        let factors = SecretsCheck.findings(
            path: "k", isThere: true, sealed: CheckSecrets.Report(factors: 2, unopenedFactors: 1))
        let lost = SecretsCheck.findings(path: "k", isThere: false, sealed: CheckSecrets.Report(heldKeys: 1))

        #expect(other.first?.severity == .warning)
        #expect(other.first?.message.contains("2 of 3 accounts") == true)
        #expect(held.map(\.severity) == [.warning])
        #expect(held.first?.message.contains("4 of 5 keys") == true)
        #expect(factors.map(\.severity) == [.warning])
        #expect(factors.first?.message.contains("second factor of 1 of 2 administrators") == true)
        #expect(lost.map(\.severity) == [.error])
        #expect(none.isEmpty)
        #expect(SecretsCheck.findings(path: "k", isThere: false, sealed: nil).isEmpty)
    }

    @Test func serversOfOneNameAreFound() {
        #expect(ClusterCheck.findings(["alpha", "beta", "gamma"]).isEmpty)
        #expect(ClusterCheck.findings(["alpha", "beta", "alpha"]).first?.message.contains("'alpha'") == true)
    }

    @Test(arguments: [
        ("chat.example.org", true), ("CHAT.example.org", true), ("a.wild.example", true), ("a.b.wild.example", false),
        ("wild.example", false), ("example.org", false), ("192.0.2.7", true), ("192.0.2.8", false),
    ]) func certificateIsComparedWithTheHost(host: String, isCovered: Bool) {
        let names = ["chat.example.org", "*.wild.example"]

        #expect(CertificateCheck.covers(host, names: names, addresses: [[192, 0, 2, 7]]) == isCovered)
    }

    @Test func privateKeyThatOthersCanReadIsAnError() throws {
        try run.write("key", to: "open.pem", mode: 0o644)
        try run.write("key", to: "closed.pem", mode: 0o640)

        #expect(CertificateCheck.exposure(of: run.path("open.pem")).first?.severity == .error)
        #expect(CertificateCheck.exposure(of: run.path("closed.pem")).isEmpty)
    }

    // MARK: Machine

    @Test(arguments: [
        (UInt64(50) << 30, UInt64?.none, SettingsFinding.Severity?.none), (UInt64(500) << 20, nil, .warning),
        (UInt64(99) << 20, nil, .error), (UInt64(50) << 30, 999, .warning), (UInt64(50) << 30, 100_000, nil),
    ]) func littleSpaceIsFound(bytes: UInt64, files: UInt64?, severity: SettingsFinding.Severity?) {
        let space = SystemChecks.DiskSpace(freeBytes: bytes, freeFiles: files)

        #expect(SystemChecks.findings(for: space, of: "log", in: "/x").first?.severity == severity)
    }

    @Test func spaceOfFoldersToComeIsThatOfTheNearestOne() throws {
        let check = SystemChecks.disk(try run.settings(port: 1))

        #expect(check.summary.contains("for the database in \(run.folder)"))
        #expect(check.summary.contains("for the log in \(run.folder)"))
    }

    @Test(arguments: [
        (UInt64(1024), UInt64(1024), SettingsFinding.Severity?.some(.warning)), (1024, 1_048_576, nil),
        (256, 4095, .warning), (4096, 4096, nil), (65_536, .max, nil),
    ]) func limitOfFilesIsJudged(soft: UInt64, hard: UInt64, severity: SettingsFinding.Severity?) {
        #expect(SystemChecks.openFiles(soft: soft, hard: hard).severity == severity)
    }

    @Test(arguments: [
        (1000, 2000, 3000, SettingsFinding.Severity?.some(.error)), (2000, 3000, 90_000_000, .error),
        (5000, 1000, 5000 + 86_400, .warning), (5000, 1000, 90_000_000, nil), (5000, 1000, 5000, .error),
    ]) func datesOfCertificatesAreJudged(now: Int, from: Int, until: Int, severity: SettingsFinding.Severity?) {
        #expect(
            CertificateCheck.findings(path: "c.pem", from: from, until: until, now: now).first?.severity == severity)
    }

    @Test func certificateThatCannotBeReadIsAnError() throws {
        try run.write("no certificate", to: "c.pem")
        try run.write("[TLS]\nCERT_FILE = c.pem\nKEY_FILE = c.pem\n", to: "config.ini")

        let check = CertificateCheck.examine(try run.settings(port: 1), now: 0)

        #expect(check.severity == .error)
        #expect(check.findings.first?.message.contains("c.pem") == true)
    }

    // MARK: The command

    @Test func reportNamesEveryCheck() async throws {
        let port = try await ScriptedServer.run(answers: ScriptedServer.always()) { $0.port }
        let environment = [
            "PARLEY_SERVER_PORT": "\(port)", "PARLEY_MESSENGER_PORT": "0", "PARLEY_FASTCHAT_PORT": "0",
            "PARLEY_METRICS_LISTEN": "127.0.0.1:0",
        ]

        let json = try await run("doctor", "--json", environment: environment)
        let text = try await run("doctor", environment: environment)

        let report = try JSONValue.parse(Array(json.output.utf8))
        let names = report["checks"]?.array?.compactMap { $0["check"]?.string }
        #expect(names == ["settings", "database", "backup", "secrets", "ports", "tls", "disk", "files"])
        #expect(report["version"]?.int == 1)
        let problems = try #require(report["problems"]?.int)
        #expect(json.status == (problems == 0 ? .done : .findings))
        #expect(text.status == json.status)
        #expect(text.output.contains("ports: Port \(port) is free"))
        #expect(run.names().isEmpty)
    }

    @Test func problemsEndWith3AndHaveAFix() async throws {
        try run.write("[SERVER]\nPROT = 1\n[LOGGING]\nFOLDER = config.ini/log\n", to: "config.ini")
        let result = try await run("doctor", "--no-color")
        let wrong = try await run("doctor", environment: ["PARLEY_SERVER_PORT": "x"])

        #expect(result.status == .findings)
        #expect(result.output.contains("config.ini:2: The key SERVER.PROT is unknown"))
        #expect(result.output.contains("config.ini:4: The log folder"))
        #expect(wrong.status == .findings)
        #expect(wrong.output.contains("other checks were skipped"))
        #expect(wrong.output.contains("more: docs/operations.md#value-invalid\n"))
    }

    @Test func configCheckLooksAtTheDatabaseToo() async throws {
        try run.write("This is a letter, and no database at all.", to: "db_sqlite.db")

        let result = try await run("config", "check") { settings in
            await DatabaseCheck.findings(for: settings, now: { 0 })
        }

        #expect(result.status == .findings)
        #expect(result.output.contains("is not an SQLite database"))
    }
}

/// Reports as a server would send them.
private enum JSONReport {
    static func status(schema: String) throws -> DatabaseStatus.Report {
        let text = """
            {"result":{"engine":"SQLite 3","location":"x.db","size_bytes":1,"durability":{},"schema":"\(schema)",\
            "applied":[],"pending":[],"counts":null}}
            """
        guard case .result(let report) = try OperationReply<DatabaseStatus.Report>(Array(text.utf8)) else {
            throw CommandError(.failed, "The reply is no result.")
        }
        return report
    }
}

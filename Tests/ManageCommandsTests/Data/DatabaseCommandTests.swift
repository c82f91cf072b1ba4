// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import ParleyServer
import Settings
import Storage
import StorageSQLite
import Testing

@testable import ManageCommands

/// `db copy` and `db check` as commands; what they do to the rows is tested with the archives and the store.
struct DatabaseCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func prepare() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        #expect(try await run("flow", "seed", "--messages", "3", "-q").status == .done)
    }

    @Test func aCopyIsTriedThenMade() async throws {
        try await prepare()

        let trial = try await run("db", "copy", "--to", "sqlite:copy.db", "--dry-run")
        #expect(trial.status == .done, "\(trial.errors)")
        #expect(trial.output.contains("Would copy: ") && trial.output.hasSuffix("Nothing was changed.\n"))
        #expect(!run.names().contains { $0.hasPrefix("copy.db") })
        let made = try await run("db", "copy", "--to-stdin", input: "sqlite:copy.db\n")
        #expect(made.status == .done && made.output.contains("both sides are the same"))
        for words in [["--json"], ["--json", "--dry-run"]] {
            let again = try await run.run(["db", "copy", "--to", "sqlite:copy.db"] + words)
            #expect(again.status == .done, "\(again.errors)")
            #expect(again.output.contains(#""was_complete" : true"#))
        }
        let again = try await run("db", "copy", "--to", "sqlite:copy.db")
        #expect(again.status == .done && again.output.hasPrefix("The copy is complete already: "))
        let other = ["PARLEY_DATABASE_URI": "sqlite:copy.db"]
        #expect(try await run("message", "show", "Welcome:2", "-q", environment: other).output.contains("message 3"))
        let alice = try await run(
            "user", "create", "--login", "alice", "--username", "Alice", "--password-stdin", input: "secret-word\n",
            environment: other)
        #expect(alice.status == .done, "\(alice.errors)")
        #expect(try await run("db", "copy", "--to", "sqlite:copy.db", "--dry-run").status == .exists)
    }

    /// A write that meets a lock waits as long as the settings say; what is cut off to whole seconds does not wait at
    /// all.
    @Test func aFractionOfASecondIsWaitedForALock() async throws {
        try await prepare()
        let settings = try Settings.load(
            file: nil, environment: ["PARLEY_DATABASE_BUSY_TIMEOUT": "500ms"], overrides: [:],
            currentFolder: run.folder)
        let store = try await StoreAccess(settings: settings).open(logger: Logger(label: "test"))

        let milliseconds = try await store.storage.engine.write { connection in
            try connection.rows("PRAGMA busy_timeout")
        }

        #expect(milliseconds == [[.int(500)]])
        await store.close()
    }

    @Test func addressesThatCannotBeAreRefused() async throws {
        try await prepare()

        let secret = try await run("db", "copy", "--to", "postgres://u:hunter2@127.0.0.1:1/n")
        #expect(secret.status == .usage && !secret.errors.contains("hunter2"))
        #expect(secret.errors.contains("A password must not stand on the command line."))
        #expect(try await run("db", "copy", "--to", "sqlite:db_sqlite.db").status == .usage)
        #expect(try await run("db", "copy", "--to", "nonsense").status == .usage)
        #expect(try await run("db", "copy").status == .usage)
        #expect(try await run("db", "copy", "--to", "sqlite:a.db", "--to-stdin").status == .usage)
        #expect(try await run("db", "copy", "--to", "postgres://u@127.0.0.1:1/n", "-n").status == .unavailable)
    }

    @Test func aFailureWithoutALogSaysHowToSeeItsDetails() async throws {
        try await prepare()
        let engine = try SQLiteEngine(.file(run.path("db_sqlite.db")), create: false)
        try await engine.write { connection in
            _ = try connection.execute(
                "CREATE TRIGGER broken BEFORE INSERT ON users BEGIN SELECT no_such_function(); END")
        }
        await engine.close()
        let words = ["user", "create", "--login", "dora", "--password-stdin"]

        let failed = try await run.run(words, input: "word\n")
        let told = try await run.run(words, input: "word\n", environment: ["PARLEY_LOGGING_LEVEL": "debug"])

        #expect(failed.status == .failed && !failed.errors.contains("no_such_function"))
        #expect(failed.errors.contains("Set PARLEY_LOGGING_LEVEL=debug to see what the database said."))
        #expect(!failed.errors.contains("See the log"))
        #expect(told.status == .failed && told.errors.contains("no_such_function"))
    }

    @Test func aCheckThatFindsSomethingSaysSoAndFixesIt() async throws {
        try await prepare()
        #expect(try await run("db", "check").output == "No problems.\n")
        func damage(_ sql: String) async throws {
            let engine = try SQLiteEngine(.file(run.path("db_sqlite.db")), create: false)
            try await engine.write { connection in _ = try connection.execute(sql) }
            await engine.close()
        }
        try await damage("UPDATE flow_heads SET message_count = 9")

        let found = try await run("db", "check")
        #expect(found.status == .findings)
        #expect(found.output.contains("flow_heads.counts: ") && found.output.contains("Can be fixed with --fix"))
        #expect(found.output.hasSuffix("1 problem left.\n"))
        let json = try await run("db", "check", "--json")
        #expect(json.status == .findings && json.output.contains(#""is_fixable" : true"#))
        let fixed = try await run("db", "check", "--fix")
        #expect(fixed.status == .done && fixed.output.hasSuffix("0 problems left, 1 fixed.\n"))
        #expect(try await run("db", "check").status == .done)
        try await damage("DELETE FROM events WHERE number = 1")
        let gap = try await run("db", "check", "--fix")
        #expect(gap.status == .findings && gap.output.contains("Cannot be fixed"))
    }
}

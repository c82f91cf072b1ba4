// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Testing

/// A server that cannot start says why in one sentence, and ends with the status that fits.
@Suite(.timeLimit(.minutes(10)))
struct StartFailureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var file = ""
        var others: [String: String] = [:]
        var options: [String] = []
        var status: Int32
        /// What the sentence must name.
        var names: [String]
    }

    private static let cases: [Case] = [
        Case(
            testDescription: "a port that is no number", file: "[SERVER]\nHOST = ::1\nPORT = 8x\n", status: 78,
            names: ["config.ini:3", "PORT", "8x"]),
        Case(
            testDescription: "an engine that there is not", file: "[DATABASE]\nURI = mysql://a:hidden@h/x\n",
            status: 78,
            names: ["mysql", "sqlite:", "postgres:"]),
        Case(
            testDescription: "PostgreSQL that does not answer",
            file: "[DATABASE]\nURI = postgres://a:hidden@127.0.0.1:1/x\n", status: 69, names: ["127.0.0.1:1"]),
        Case(
            testDescription: "a file that is no database", others: ["db_sqlite.db": "no database, only some words"],
            status: 69, names: ["db_sqlite.db", "not an SQLite database"]),
        Case(
            testDescription: "a database in a folder that is not there", file: "[DATABASE]\nURI = sqlite:no/such.db\n",
            status: 69, names: ["no/such.db"]),
        Case(
            testDescription: "a log folder that cannot be made", file: "[LOGGING]\nFOLDER = taken/log\n",
            others: ["taken": ""], status: 78, names: ["taken/log"]),
        Case(
            testDescription: "a file in the place of the log folder", file: "[LOGGING]\nFOLDER = taken\n",
            others: ["taken": ""], status: 78, names: ["taken", "is a file"]),
        Case(
            testDescription: "a template that is broken", file: "[TEMPLATES]\nFOLDER = .\n",
            others: ["home.mustache": "<p>{{#open}}</p>\n"], status: 78, names: ["home.mustache", "line"]),
        Case(
            testDescription: "a socket path that is too long",
            file: "[ADMIN]\nSOCKET = \(String(repeating: "x", count: 120))\n", status: 78, names: ["107"]),
        Case(
            testDescription: "a settings file that is not there", options: ["--config", "none.ini"], status: 78,
            names: ["none.ini"]),
        Case(
            testDescription: "a certificate that is not there",
            options: ["--ssl-certfile", "none.pem", "--ssl-keyfile", "none.key"], status: 78, names: ["none.pem"]),
        Case(
            testDescription: "a key file that is damaged", file: "[SECRETS]\nKEY_FILE = secret.key\n",
            others: ["secret.key": "no key\n"], status: 78, names: ["secret.key"]),
        Case(
            testDescription: "an address of another machine for one protocol",
            file: "[MESSENGER]\nENABLED = on\nHOST = 192.0.2.1\n", status: 78, names: ["192.0.2.1", "MESSENGER"]),
        Case(
            testDescription: "an address of another machine", options: ["--host", "192.0.2.1"], status: 78,
            names: ["192.0.2.1"]),
        Case(
            testDescription: "an option with a wrong value", options: ["--limit-concurrency", "0"], status: 64,
            names: ["--limit-concurrency"]),
        Case(testDescription: "an unknown option", options: ["--prot", "1"], status: 64, names: ["--prot"]),
    ]

    @Test(arguments: cases)
    func isOneSentenceThatNamesTheCause(failure: Case) async throws {
        try await Program.with { program in
            try program.write(failure.file, to: "config.ini")
            for (name, text) in failure.others { try program.write(text, to: name, mode: 0o600) }
            if failure.file.contains("PORT") { program["PARLEY_SERVER_PORT"] = nil }

            let result = try await program.run([Program.path, "runserver"] + failure.options)

            Self.expect(result, status: failure.status, names: failure.names)
            #expect(!result.errors.contains("hidden"))
        }
    }

    @Test(arguments: ["SERVER", "MESSENGER", "FASTCHAT", "BALANCER", "METRICS"])
    func portInUseIsNamedWithItsSection(section: String) async throws {
        let taken = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(taken.localAddress?.port)
        try await Program.with { program in
            if ["BALANCER", "METRICS"].contains(section) {
                program["PARLEY_\(section)_LISTEN"] = "127.0.0.1:\(port)"
            } else {
                program["PARLEY_\(section)_PORT"] = "\(port)"
            }

            let result = try await program.manage("runserver")

            Self.expect(result, status: 69, names: ["\(port)", "in use", section])
        }
        try await taken.close()
    }

    @Test func missingKeyFileIsNamed() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)

            let result = try await program.manage(
                "runserver", "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile", "none.key")

            Self.expect(result, status: 78, names: ["none.key"])
        }
    }

    @Test func keyOfAnotherCertificateIsNamed() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)

            let result = try await program.manage(
                "runserver", "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile",
                certificates.client.key)

            Self.expect(result, status: 78, names: ["server.pem", "client.key"])
        }
    }

    @Test func databaseOfANewerProgramIsLeftAlone() async throws {
        try await Program.with { program in
            #expect(try await program.manage("db", "create").ending == .exited(0))
            let change = """
                import sqlite3
                database = sqlite3.connect("db_sqlite.db")
                database.execute("INSERT INTO migrations (identifier, applied_ms) VALUES ('9999_future', 1)")
                database.commit()
                """
            #expect(try await program.run(["python3", "-c", change]).ending == .exited(0))

            let result = try await program.manage("runserver")

            Self.expect(result, status: 69, names: ["newer"])
            #expect(try await program.manage("db", "status").output.contains("9999_future"))
        }
    }

    @Test func databaseOfARunningServerIsBusy() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)

            let result = try await program.manage("runserver")

            Self.expect(result, status: 75, names: ["db_sqlite.db", "in use"])
            #expect(try await alice.ping() == 200)
            await server.stop()
        }
    }

    @Test func databaseThatAnotherProgramHoldsIsNamed() async throws {
        try await Program.with { program in
            program["PARLEY_DATABASE_BUSY_TIMEOUT"] = "3500ms"
            let hold = """
                import signal, sqlite3
                database = sqlite3.connect("db_sqlite.db", isolation_level=None)
                database.execute("BEGIN EXCLUSIVE")
                print("held", flush=True)
                signal.pause()
                """
            let holder = try await program.start(["python3", "-c", hold])
            try #require(await holder.output.line { $0 == "held" } != nil)

            let start = ContinuousClock.now
            let result = try await program.manage("runserver")

            // So long it has waited for the other one.
            #expect(start.duration(to: .now) > .milliseconds(3500))
            Self.expect(result, status: 75, names: ["db_sqlite.db", "locked"])
        }
    }

    @Test func unknownSettingIsAWarning() async throws {
        try await Program.with { program in
            try program.write("[SERVER]\nPROT = 1\n", to: "config.ini")

            let server = try await program.startServer()

            let warning = try #require(await server.process.errors.line { $0.contains("PROT") })
            #expect(warning.contains("config.ini:2"))
            await server.stop()
            #expect(server.process.errors.text.contains("PORT"))
        }
    }

    private static func expect(_ result: Program.Result, status: Int32, names: [String]) {
        #expect(result.ending == .exited(status), "\(result.errors)")
        #expect(result.output == "")
        result.expectNothingWasAnnounced()
        let lines = result.errorLines
        #expect(lines.count == 1, "\(result.errors)")
        for name in names { #expect(lines.first?.contains(name) == true, "\(result.errors)") }
        for word in ["Error(", ".swift", "Optional("] { #expect(lines.first?.contains(word) == false) }
    }
}

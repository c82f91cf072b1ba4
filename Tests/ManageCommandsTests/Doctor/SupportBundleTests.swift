// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import JSON
import Settings
import Storage
import Testing

@testable import ManageCommands

/// `doctor --read`, of bundles that `doctor --bundle` wrote and of others.
@Suite(.timeLimit(.minutes(10))) struct SupportBundleTests {
    private static let about = """
        {"version":"1.2.3","time":"2026-01-31T00:00:00.000Z","system":"Linux 6.1","machine":"x86_64","processors":8,\
        "missing":{"metrics.txt":"No server is running."}}
        """

    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func doctor(
        _ severity: String = "error", id: String = "key-unknown", summary: String = "Read it.", version: Int = 1
    ) -> String {
        """
        {"version":\(version),"file":"/etc/config.ini","problems":99,"checks":[{"check":"settings","status":"error",\
        "summary":"\(summary)","findings":[{"id":"\(id)","severity":"\(severity)","file":"config.ini","line":2,\
        "key":null,"message":"It is unknown.","remedy":"Remove it."}]}]}
        """
    }

    /// Writes a bundle of these files as `bundle.tar.gz`.
    private func pack(_ files: [(name: String, text: String)]) async throws {
        let path = run.path("bundle.tar.gz")
        unlink(path)
        try await ArchiveFile.write(to: path) { descriptor in
            let tar = try TarWriter(descriptor: descriptor, time: Timestamp(milliseconds: 0))
            for file in files { try tar.file(file.name, Array(file.text.utf8)) }
            try tar.finish()
        }
    }

    private func read(_ words: String...) async throws -> CommandRun.Result {
        // Settings that are wrong are no matter: none are read.
        try await run.run(
            ["doctor", "--no-color", "--read", "bundle.tar.gz"] + words, environment: ["PARLEY_SERVER_PORT": "x"])
    }

    @Test func whatDoctorWroteIsRead() async throws {
        try run.write("[SERVER]\nPROT = 1\n", to: "config.ini")
        let environment = ["PARLEY_MESSENGER_PORT": "0"]
        let written = try await run("doctor", "--bundle", "bundle.tar.gz", "--json", environment: environment)
        let names = run.names()

        let json = try await read("--json")
        let text = try await read()

        #expect(written.status == .done)
        let report = try JSONValue.parse(Array(json.output.utf8))
        #expect(json.status == .findings)
        #expect(report["version"]?.int == 1)
        #expect(report["problems"]?.int == (try JSONValue.parse(Array(written.output.utf8)))["problems"]?.int)
        #expect(report["checks"]?.array?[0]["findings"]?.array?[0]["id"]?.string == "key-unknown")
        #expect(report["bundle"]?["program"]?.string == "9.8.7")
        #expect(report["bundle"]?["settings"]?.array?.compactMap(\.string) == ["MESSENGER.PORT"])
        #expect(report["bundle"]?["missing"]?["messages.jsonl"]?.string == "No server is running.")
        #expect(text.status == .findings)
        #expect(text.output.contains("config.ini:2: The key SERVER.PROT is unknown"))
        #expect(run.names() == names)
    }

    @Test func everythingInItIsShown() async throws {
        let log = (1...20).map { "line \($0)\n" }.joined()
        try await pack([
            ("doctor.json", doctor()), ("about.json", Self.about), ("log/error.log", log),
            ("database.json", #"{"engine":"SQLite 3","schema":"current","size_bytes":5,"counts":null,"more":1}"#),
            (
                "nodes.json",
                #"""
                {"nodes":[{"name":"alpha","status":"serving","clients":3},
                {"name":"beta","status":"serving","mode":"maintenance","clients":1},
                {"name":"gamma","status":"draining","mode":"normal","clients":0}]}
                """#
            ),
            (
                "settings.json",
                #"""
                {"settings":[{"section":"SERVER","key":"PORT","source":{"kind":"file"}},
                {"section":"TLS","key":"PORT","source":{"kind":"default"}}]}
                """#
            ),
        ])

        let result = try await read()

        #expect(result.status == .findings)
        #expect(result.errors == "")
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for line in [
            "Program   1.2.3", "System    Linux 6.1, x86_64, 8 processors", "Settings  SERVER.PORT",
            "Database  SQLite 3, schema current, 5 bytes", "Server    alpha: serving, 3 open connections",
            "Server    beta: serving, maintenance, 1 open connection", "Server    gamma: draining, 0 open connections",
            "Missing   metrics.txt: No server is running.", "error    settings: Read it.",
            "           error: config.ini:2: It is unknown. Remove it.",
            "           more: docs/operations.md#key-unknown", "1 problem.",
        ] { #expect(lines.contains(line), "\(line) is missing in \(result.output)") }
        #expect(lines.filter { $0.hasPrefix("  line ") } == (11...20).map { "  line \($0)" })
    }

    @Test func messagesAreShownWhereNoLogFileIs() async throws {
        let record = #"{"time":"T","level":"LEVEL","module":"Chat.Hub","message":"It fails.","line":3}"#
        let messages = ["INFO", "ERROR"].map { record.replacing("LEVEL", with: $0) }.joined(separator: "\n")
        try await pack([("doctor.json", doctor("note")), ("messages.jsonl", messages), ("about.json", Self.about)])

        let result = try await read()

        #expect(result.status == .done)
        #expect(result.output.contains("\n  T ERROR Chat.Hub: It fails.\n"))
        #expect(!result.output.contains("INFO"))
        #expect(result.output.hasSuffix("No problems.\n"))
    }

    /// A newer program may have other checks and findings; what would act on a terminal is escaped.
    @Test func whatIsUnknownIsShownAsItStands() async throws {
        try await pack([
            ("doctor.json", doctor("warning", id: "of-tomorrow", summary: #"\u001b[2J"#)),
            ("../../outside", "x"), ("/etc/passwd", "x"), ("about.json", Self.about),
        ])

        let result = try await read()

        #expect(result.status == .findings)
        #expect(result.output.contains("docs/operations.md#of-tomorrow"))
        #expect(!result.output.contains("\u{1B}"))
        #expect(run.names() == ["bundle.tar.gz"])
    }

    @Test func whatIsNoBundleIsRefused() async throws {
        let good = [(name: "doctor.json", text: doctor()), (name: "about.json", text: Self.about)]
        let many = (0..<15).map { (name: "file\($0)", text: "") }
        let bad: [[(name: String, text: String)]] = [
            [], [good[0]], [good[1]], good + [good[0]], good + many, [("doctor.json", doctor(version: 2)), good[1]],
            [("doctor.json", doctor("dreadful")), good[1]], [("doctor.json", "{}"), good[1]],
            [("doctor.json", String(repeating: "[", count: 100_000)), good[1]],
            good + [("metrics.txt", String(repeating: "x", count: SupportBundle.maximumFileBytes + 1))],
        ]
        for files in bad {
            try await pack(files)
            let result = try await read()

            #expect(result.status == .failed, "\(files.map(\.name))")
            #expect(result.output == "")
            #expect(result.errors.contains("bundle.tar.gz' cannot be read as a support bundle."))
        }
        try await pack(good)
        #expect(try await read().status == .findings)
        try await pack(good + many.dropLast())
        #expect(try await read().status == .findings)
    }

    @Test func aBundleThatWasCutIsRefused() async throws {
        try await pack([("doctor.json", doctor()), ("about.json", Self.about)])
        let path = run.path("bundle.tar.gz")
        var whole = stat()
        #expect(stat(path, &whole) == 0)

        for length in stride(from: whole.st_size - 1, through: 0, by: -16) {
            #expect(truncate(path, length) == 0)
            let result = try await read()

            #expect(result.status == .failed, "cut at \(length)")
            #expect(result.errors.contains("cannot be read as a support bundle. The archive is damaged"))
        }
        try run.write("This is a letter.", to: "bundle.tar.gz")
        #expect(try await read().status == .failed)
        unlink(path)
        #expect(try await read().status == .notFound)
        #expect(try await read("--bundle", "other.tar.gz").status == .usage)
    }
}

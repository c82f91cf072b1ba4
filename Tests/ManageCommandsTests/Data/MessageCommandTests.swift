// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage
import Testing

@testable import ManageCommands

/// The commands that list, show, search and delete messages, with no server running.
struct MessageCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    @Test func messagesAreListedShownFoundAndDeleted() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        let seeded = try await run("flow", "seed", "--messages", "3", "--json", "-q")
        let flow = try #require(
            seeded.output.split(separator: "\n").first { $0.contains("first_flow") }.map { $0.filter(\.isNumber) })

        try await run.expectJSON("message", "list", flow, isContentOf: "message-list")
        let list = try await run("message", "list", flow, "--limit", "2")
        #expect(list.output.hasPrefix("NUMBER  TIME"))
        #expect(list.output.split(separator: "\n").count == 3)
        #expect(list.errors.contains("--after 2"))
        let long = try await run("message", "list", flow)
        for line in (list.output + long.output).split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(try await run("message", "list", flow, "--after", "2", "-q").output.contains("Seeded message 3."))
        #expect(
            try await run("message", "list", flow, "--since", "99999999999", "-q").output.contains("Seeded") == false)
        #expect(try await run("message", "list", "12").status == .notFound)

        let found = try await run("message", "search", "QUICK", "fox", "--limit", "1", "--json", "-q")
        #expect(found.output.contains("Seeded message 3."))
        #expect(!found.output.contains("Seeded message 2."))
        #expect(!found.output.contains("\"next\" : null"))
        let table = try await run("message", "search", "fox")
        for line in table.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(table.output.contains("1     2       "), "\(table.output)")
        #expect(try await run("message", "show", "1:2", "-q").output.contains("Seeded message 3."))
        #expect(try await run("message", "show", "Welcome:1", "-q").output.contains("Seeded message 2."))
        #expect(try await run("message", "show", "Welcome:3").status == .notFound)
        #expect(try await run("message", "show", "Welcome:-1").status == .usage)
        #expect(try await run("message", "show", "Nowhere:1").status == .notFound)
        #expect(try await run("message", "search", "dinner", "--json", "-q").output.contains("\"messages\" : []"))
        #expect(try await run("message", "search", "?").status == .usage)

        let uuid = try #require(found.output.firstMatch(of: /"uuid":"(\d+)"/)).1
        let shown = try await run("message", "show", String(uuid), "-q")
        #expect(shown.output.contains("Text    Seeded message 3."))
        #expect(try await run("message", "delete", String(uuid)).status == .usage)
        let deleted = try await run("message", "delete", String(uuid), "--yes")
        #expect(deleted.output == "Deleted message \(uuid) of 'seed'.\n")
        #expect(try await run("message", "delete", String(uuid), "--yes").status == .exists)
        #expect(try await run("message", "show", String(uuid), "--json", "-q").output.contains("Message deleted"))
        #expect(try await run("message", "search", "3", "-q").output.split(separator: "\n").count == 1)
        #expect(try await run("message", "show", "12").status == .notFound)
    }

    @Test func oldMessagesAreCountedThenErased() async throws {
        try await RunningServer.during(run) { chat in
            #expect(try await run("flow", "seed", "--messages", "2").status == .done)
            let young = try #require(try await chat.storage.messages(limit: 10).messages.last)
            let old = (1...3).map { number in
                ImportedMessage(
                    uuid: chat.newIdentifier(), flow: young.flow, author: young.sender,
                    time: Timestamp(seconds: 1_600_000_000), content: Array(#"{"text":"old"}"#.utf8), blobs: [])
            }
            _ = try await chat.importMessages(old, audit: nil)

            let counted = try await run("message", "expire", "--group", "90d", "--chat", "36h", "--dry-run")
            #expect(
                counted.output == """
                    Would erase 0 messages of type chat older than 36 hours (0 bytes).
                    Would erase 3 messages of type group older than 90 days (42 bytes).

                    """)
            #expect(try await run("message", "search", "old", "-q").output.split(separator: "\n").count == 4)
            let asked = try await run("message", "expire", "--group", "90d")
            #expect(asked.status == .usage && asked.errors.contains("Erase 3 messages for good?"))
            let erased = try await run("message", "expire", "--group", "90d", "--yes")
            #expect(erased.output == "Erased 3 messages of type group older than 90 days (42 bytes).\n")
            #expect(try await run("message", "search", "old", "-q").output.split(separator: "\n").count == 1)
            #expect(try await run("message", "show", "Welcome:1", "-q").output.contains("Seeded message 2."))
            #expect(try await run("message", "show", "Welcome:2", "-q").output.contains("Message deleted"))
            #expect(try await run("db", "check").status == .done)
        }
        let forEver = try await run("message", "expire", "--dry-run")
        #expect(forEver.status == .usage && forEver.errors.contains("keep messages for ever"))
        #expect(try await run("message", "expire", "--group", "5m", "-n").status == .usage)
        for type in ["--chat", "--group", "--channel"] {
            let wrong = try await run("message", "expire", type, "1x")
            #expect(wrong.status == .usage)
            #expect(wrong.errors.contains("It is a number and s, m, h, d or w"), "\(wrong.errors)")
        }
        try run.write("[RETENTION]\nGROUP = 90\nCHANNEL = 26w\n", to: "config.ini")
        let settings = try await run("message", "expire", "--json", "-q", "-y")
        #expect(settings.output.contains(#""kept_seconds" : 7776000"#), "\(settings)")
        #expect(settings.output.contains(#""kept_seconds" : 15724800"#) && !settings.output.contains(#""chat""#))
    }
}

extension CommandRun {
    /// Compares the JSON of a command with a file; uuids and times stand in it by their names.
    func expectJSON(_ words: String..., isContentOf name: String) async throws {
        let result = try await run(words + ["--json", "-q"])
        #expect(result.status == .done)
        #expect(result.errors == "")
        let text = result.output.replacing(/\d{20,}/, with: "UUID")
            .replacing(/\d{4}-\d\d-\d\dT[\d:.]+Z/, with: "TIME").replacing(/seed-\d+/, with: "seed-TAG")
        try Snapshot.expect(text, isContentOf: "json/\(name).json")
    }
}

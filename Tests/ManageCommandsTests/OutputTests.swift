// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Testing

@testable import ManageCommands

struct OutputTests {
    private struct Greeting: CommandReport {
        static var version: Int { 3 }
        var words: [String]
        var name: String
        func text(style: TextStyle) -> String { style.apply(.green, to: name.escapedForTerminal()) + "\n" }
    }

    @Test func reportIsOneObjectWithVersionAndSortedKeys() throws {
        let text = try Greeting(words: ["a/b"], name: "x\u{1B}[31m").json()

        #expect(text == "{\n  \"name\" : \"x\\u001b[31m\",\n  \"version\" : 3,\n  \"words\" : [\n    \"a/b\"\n  ]\n}\n")
    }

    @Test(arguments: [
        ("plain ü 漢 👋", "plain ü 漢 👋"), ("a\u{1B}[2J", "a\\u{1b}[2J"), ("a\u{7F}\u{9B}", "a\\u{7f}\\u{9b}"),
        ("a\r\nb", "a\\u{d}\nb"), ("\u{202E}abc\u{2066}", "\\u{202e}abc\\u{2066}"), ("a\tb", "a\\u{9}b"),
    ]) func controlCharactersAreShownNotObeyed(text: String, shown: String) {
        #expect(text.escapedForTerminal() == shown)
    }

    @Test func tableSetsColumnsAndEscapesCells() {
        var table = TableText(headings: ["NAME", "VALUE"])
        table.add(["long name", "x\ny"])
        table.add(["é"])

        #expect(
            table.text(style: TextStyle(isColored: false)) == "NAME       VALUE\nlong name  x\\u{a}y\né          \n"
        )
        #expect(
            table.text(style: TextStyle(isColored: true)).hasPrefix(
                "\u{1B}[1mNAME     \u{1B}[0m  \u{1B}[1mVALUE\u{1B}[0m\n"))
    }

    @Test func tableFitsTheScreen() {
        var table = TableText(headings: ["ROW", "LOGIN", "TITLE"])
        table.add(["1", String(repeating: "l", count: 60), String(repeating: "t", count: 40)])
        table.add(["2", "short", "short"])

        let lines = table.text(style: TextStyle(isColored: false, columns: 80)).split(separator: "\n")
        let whole = table.text(style: TextStyle(isColored: false)).split(separator: "\n")

        for line in lines { #expect(line.count <= 80) }
        #expect(lines[1].contains("l…") && lines[1].hasSuffix("t…"))
        #expect(whole[1].count == 3 + 2 + 60 + 2 + 40)
    }

    @Test func timesAreWholeAndWideCharactersFitTheScreen() {
        var table = TableText(headings: ["NUMBER", "TIME", "WHO", "FROM", "WHAT", "ON", "RESULT"])
        table.add(
            ["9", "2026-11-22 20:56", "root", "socket", "testclient.token", String(repeating: "漢", count: 20), "done"])

        let lines = table.text(style: TextStyle(isColored: false, columns: 80)).split(separator: "\n")

        #expect(lines[1].contains("2026-11-22 20:56  root"))
        #expect(lines[1].contains("漢…"))
        for line in lines { #expect(line.columns <= 80, "\(line)") }
        // The last column begins below its heading.
        let place = lines[0].dropLast("RESULT".count).columns
        #expect(lines[1].dropLast("done".count).columns == place)
    }

    @Test func listsFitEightyColumns() async throws {
        let run = try CommandRun()
        _ = try await run("db", "create", "-q")
        let name = String(repeating: "n", count: 70)
        _ = try await run(
            "user", "create", "--login", name, "--username", name, "--password-stdin", "-q", input: "word\n")
        _ = try await run("flow", "create", "--login", name, "--type", "group", "--title", name, "-q")

        for words in [["user", "list"], ["flow", "list"], ["config", "show"], ["node", "list"]] {
            let result = try await run.run(words + ["--no-color", "-q"], isTerminal: true)
            #expect(result.status == .done)
            for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        }
    }

    @Test func readerThatHasGoneIsNoFailure() async throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }

        let error = #expect(throws: CommandError.self) { try TextOutput.descriptor(ends[1]).write("text") }

        #expect(error?.status == .done)
    }

    @Test func coloursAppearOnATerminalUnlessSomebodyDoesNotWantThem() async throws {
        let run = try CommandRun()

        func isColored(
            _ words: [String], environment: [String: String] = [:], isTerminal: Bool = true
        ) async throws -> Bool {
            try await run.run(words, environment: environment, isTerminal: isTerminal).output.contains("\u{1B}[")
        }

        #expect(try await isColored(["config", "show"]))
        #expect(try await isColored(["config", "show"], environment: ["NO_COLOR": ""]))
        #expect(try await !isColored(["config", "show"], environment: ["NO_COLOR": "1"]))
        #expect(try await !isColored(["config", "show"], environment: ["TERM": "dumb"]))
        #expect(try await !isColored(["config", "show", "--no-color"]))
        #expect(try await !isColored(["config", "show", "--json"]))
        #expect(try await !isColored(["config", "show"], isTerminal: false))
    }

    @Test func fullDiskIsAFailureAndNotASuccess() async throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }

        let error = #expect(throws: CommandError.self) { try TextOutput.descriptor(full).write("text") }

        #expect(error?.status == .failed)
    }

    @Test func errorThatNothingHasWordsForIsNotShownAsItIs() async throws {
        struct LibraryError: Error, CustomStringConvertible {
            var description: String { "bind(descriptor:ptr:bytes:): (errno: 97)" }
        }
        let written = Mutex("")
        var context = CommandContext.ofProcess(version: "1")
        context.standardError = TextOutput(isTerminal: false) { text in written.withLock { $0 += text } }

        for isJSON in [false, true] {
            #expect(Manage.report(LibraryError(), in: context, isJSON: isJSON) == CommandStatus.failed.rawValue)
        }

        let text = written.withLock { $0 }
        #expect(text.contains("Error: The command failed for a reason that it does not know."))
        #expect(text.contains(#""status":1"#))
        #expect(!text.contains("LibraryError"))
        #expect(!text.contains("errno"))
    }

    @Test func errorsOfOtherPartsGetTheirStatus() async throws {
        #expect(CancellationError().commandError.status == .interrupted)
        let error = CommandError(
            .notFound, "No user with login 'alice'.", nextStep: "List logins with 'manage user list'.")
        #expect(error.description == "No user with login 'alice'. List logins with 'manage user list'.")
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import ManageCommands
import Testing

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

    @Test func errorsOfOtherPartsGetTheirStatus() async throws {
        #expect(CancellationError().commandError.status == .interrupted)
        let error = CommandError(
            .notFound, "No user with login 'alice'.", nextStep: "List logins with 'manage user list'.")
        #expect(error.description == "No user with login 'alice'. List logins with 'manage user list'.")
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManageCommands

/// What a shell offers, asked for as the scripts of `manage completions` ask.
@Suite(.timeLimit(.minutes(10))) struct CompletionTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// What is offered for the word that `words` end with, which is an argument's.
    private func offered(
        _ command: String..., argument: String = "positional@0", words: [String]
    ) async throws -> [String] {
        let line = ["manage"] + command + words
        let result = try await run.run(
            ["---completion"] + command + ["--", argument, "\(line.count - 1)", "\(words.last?.count ?? 0)"] + line)
        #expect(result.status == .done)
        #expect(result.errors == "")
        return result.output.split(separator: "\n").map(String.init)
    }

    private func prepare() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        for login in ["alice", "alicia", "bob"] {
            let made = try await run("user", "create", "--login", login, "--password-stdin", "-q", input: "word\n")
            #expect(made.status == .done)
        }
        for title in ["Team", "Two words", ""] {
            let made = try await run("flow", "create", "--login", "alice", "--type", "group", "--title", title, "-q")
            #expect(made.status == .done)
        }
    }

    @Test func loginsAreOffered() async throws {
        try await prepare()

        #expect(try await offered("user", "show", words: ["ali"]) == ["alice", "alicia"])
        #expect(try await offered("user", "delete", words: [""]) == ["alice", "alicia", "bob"])
        #expect(try await offered("user", "show", words: ["zoe"]) == [])
        #expect(try await offered("flow", "create", argument: "--login", words: ["--login", "b"]) == ["bob"])
    }

    @Test func titlesAreOfferedAndRowsOfFlowsWithoutOne() async throws {
        try await prepare()

        #expect(try await offered("flow", "show", words: [""]) == ["Team", "Two words", "3"])
        #expect(try await offered("testclient", "send", argument: "--flow", words: ["--flow", ""]).contains("Team"))
    }

    @Test func namesComeFromTheServerOfTheSettingsThatTheLineNames() async throws {
        try run.write("[DATABASE]\nURI = sqlite:other.db\n", to: "other.ini")
        #expect(try await run("db", "create", "--config", "other.ini", "-q").status == .done)
        try await RunningServer.during(run) { _ in
            let made = try await run("user", "create", "--login", "carol", "--password-stdin", "-q", input: "word\n")
            #expect(made.status == .done)

            #expect(try await offered("user", "show", words: [""]) == ["carol"])
            #expect(try await offered("user", "show", words: ["--config", run.path("other.ini"), ""]) == [])
        }
    }

    @Test func withoutADatabaseNothingIsOfferedAndNothingMade() async throws {
        #expect(try await offered("user", "show", words: [""]) == [])
        #expect(run.names().filter { !$0.hasSuffix(".lock") }.isEmpty)
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func keysOfTheSettingsStandInTheScript(shell: String) async throws {
        let script = try await run("completions", shell).output

        for key in ["SERVER.PORT", "DATABASE.URI", "SECRETS.KEY_FILE"] { #expect(script.contains(key), "\(key)") }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TestSupport
import Testing

@testable import ManageCommands

struct HelpTests {
    /// A command with the words that lead to it.
    struct Command: Sendable, CustomTestStringConvertible {
        var words: [String]
        var type: any ParsableCommand.Type
        var testDescription: String { words.joined(separator: " ") }
        var fixture: String { words.joined(separator: "-") + ".txt" }

        static func tree(_ type: any ParsableCommand.Type, below words: [String] = []) -> [Command] {
            let command = Command(words: words + [type._commandName], type: type)
            return [command] + type.configuration.subcommands.flatMap { tree($0, below: command.words) }
        }
    }

    @Test(arguments: Command.tree(Manage.self)) func helpOfEveryCommand(_ command: Command) throws {
        let text = Manage.helpMessage(for: command.type, includeHidden: true, columns: 80)

        try Snapshot.expect(text + "\n", isContentOf: "help/\(command.fixture)")
    }

    @Test func thereIsNoHelpTextWithoutACommand() {
        let expected = Command.tree(Manage.self).map(\.fixture).sorted()
        let found = TemporaryFolder.names(inFolder: Snapshot.folder("help"))
        let stale = found.filter { !expected.contains($0) }
        if Snapshot.isRecording {
            for name in stale { unlink(Snapshot.folder("help/\(name)")) }
        }

        #expect(stale.isEmpty)
    }

    @Test func pageFollowsFromTheCommands() throws {
        let page = try HelpReference(Command.tree(Manage.self)).markdown()

        try Snapshot.expect(page, isContentOf: "../../../docs/cli.md")
    }

    @Test(arguments: Command.tree(Manage.self)) func helpFitsIntoATerminal(_ command: Command) {
        // The usage of a command is one line of any length, which terminals wrap.
        let lines = Manage.helpMessage(for: command.type, includeHidden: true, columns: 80).split(separator: "\n")

        #expect(lines.filter { $0.count > 80 && !$0.hasPrefix("USAGE: ") }.isEmpty)
    }

    @Test(arguments: Command.tree(Manage.self)) func everyCommandHasASentenceAndExamples(_ command: Command) {
        let configuration = command.type.configuration

        #expect(configuration.abstract.hasSuffix("."))
        #expect(configuration.discussion.contains("Example"))
        for line in configuration.discussion.split(separator: "\n") { #expect(line.count <= 80) }
    }

    @Test func statusesAreThoseOfTheStyleGuide() {
        #expect(CommandStatus.allCases.map(\.rawValue) == [0, 1, 3, 4, 5, 6, 7, 64, 69, 75, 78, 130])
    }

    @Test(arguments: ["exit-codes", "settings"]) func topicHasAPage(_ topic: String) async throws {
        let result = try await CommandRun()("help", topic)

        #expect(result.status == .done)
        #expect(result.errors == "")
        try Snapshot.expect(result.output, isContentOf: "topic-\(topic).txt")
    }

    @Test func helpOfACommandIsReachedBothWays() async throws {
        let run = try CommandRun()

        let behind = try await run("config", "set", "--help")
        let before = try await run("help", "config", "set")

        #expect(behind.status == .done)
        #expect(behind.output == before.output)
        #expect(behind.output.contains("USAGE: manage config set"))
    }

    @Test func versionIsTheOneThatTheProgramStartedWith() async throws {
        let result = try await CommandRun()("--version")

        #expect(result.output == "9.8.7\n")
    }

    @Test(arguments: [("bash", "complete"), ("zsh", "#compdef manage"), ("fish", "complete -c")])
    func shellGetsItsScript(shell: String, mark: String) async throws {
        let result = try await CommandRun()("completions", shell)

        #expect(result.status == .done)
        #expect(result.output.contains(mark))
        #expect(result.output.contains("restore"))
    }

    @Test(arguments: [
        (["usr", "list"], "'usr' in 'manage'. Did you mean 'manage user'?"),
        (["user", "lsit"], "'lsit' in 'manage user'. Did you mean 'manage user list'?"),
        (
            ["--config", "a.ini", "testclient", "snd"],
            "'snd' in 'manage testclient'. Did you mean 'manage testclient send'?"
        ),
        (["frobnicate"], "'frobnicate' in 'manage'. List its commands with 'manage --help'."),
    ])
    func mistypedCommandGetsASuggestion(words: [String], sentence: String) async throws {
        let result = try await CommandRun().run(words)

        #expect(result.status == .usage)
        #expect(result.errors.hasPrefix("Error: There is no command \(sentence)"))
    }

    @Test func unknownWordsEndWithUsage() async throws {
        let run = try CommandRun()

        for words in [["nosuch"], ["config", "nosuch"], ["config", "show", "--nosuch"], ["completions", "tcsh"]] {
            let result = try await run.run(words)

            #expect(result.status == .usage)
            #expect(result.output == "")
            #expect(result.errors.hasPrefix("Error: "))
        }
    }
}

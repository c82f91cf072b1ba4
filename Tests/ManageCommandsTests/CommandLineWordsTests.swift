// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import ManageCommands

struct CommandLineWordsTests {
    @Test(
        arguments: [
            (["--config", "a.ini", "config", "show"], "a.ini", ["config", "show"]),
            (["--config=a.ini", "config", "show", "--json"], "a.ini", ["config", "show", "--json"]),
            (["config", "--config", "a.ini", "show"], "a.ini", ["config", "show"]),
            (["config", "show", "--config", "a.ini"], "a.ini", ["config", "show"]),
            (["--config", "a", "--config", "b", "config", "show"], "b", ["config", "show"]),
            (["--json", "-q", "user", "list"], nil, ["user", "list", "--json", "-q"]),
            (["user", "--no-color", "show", "a"], nil, ["user", "show", "--no-color", "a"]),
            (["config", "set", "SERVER.PORT", "-1", "-q"], nil, ["config", "set", "SERVER.PORT", "-q", "--", "-1"]),
            (["top", "--interval", "-1", "--once"], nil, ["top", "--interval=-1", "--once"]),
            (["tail", "-n", "-20"], nil, ["tail", "-n=-20"]),
            (["tail", "--since", "-5m", "--last", "-.5"], nil, ["tail", "--since=-5m", "--last=-.5"]),
            (["tail", "--last=3", "-1"], nil, ["tail", "--last=3", "-1"]),
            (["user", "show", "-1"], nil, ["user", "show", "-1"]),
            (["user", "show", "--json", "--", "-1"], nil, ["user", "show", "--json", "--", "-1"]),
            (
                ["config", "set", "SERVER.PORT", "--config", "a"], nil,
                ["config", "set", "SERVER.PORT", "--config", "a"]
            ),
            (["config", "show", "--", "--config", "a"], nil, ["config", "show", "--", "--config", "a"]),
            (["--version"], nil, ["--version"]),
            ([], nil, []),
            (["help", "exit-codes"], nil, ["help-topic", "exit-codes"]),
            (["--config", "a", "help", "settings", "x"], "a", ["help-topic", "settings", "x"]),
            (["help", "config", "set"], nil, ["help", "config", "set"]),
            (["--db", "create"], nil, ["db", "create"]),
            (["--db=delete", "--yes"], nil, ["db", "delete", "--yes"]),
            (["--table", "flow"], nil, ["flow", "seed"]),
            (["--db", "nosuch"], nil, ["--db", "nosuch"]),
            (["config", "--db", "create"], nil, ["config", "--db", "create"]),
        ] as [([String], String?, [String])])
    func wordsAreBroughtInOrder(words: [String], config: String?, arguments: [String]) throws {
        let result = try CommandLineWords(words, root: Manage.self)

        #expect(result.config == config)
        #expect(result.arguments == arguments)
    }

    @Test func negativeNumberIsRefusedAsAValue() async throws {
        let result = try await CommandRun()("config", "set", "SERVER.PORT", "-1")

        #expect(result.status == .usage)
        #expect(result.errors.hasPrefix("Error: '-1' "), "\(result.errors)")
    }

    @Test(arguments: [
        (["testclient", "load", "--rate", "-1"], "Error: Please give --rate more than 0.01 "),
        (["testclient", "load", "--duration", "-5"], "Error: Please give --duration 1 to "),
        (["tail", "-n", "-1"], "Error: Please give --last "),
        (["top", "--interval", "-1"], "Error: Please give "),
        (["user", "list", "--limit", "-1"], "Error: Please give "),
        (["user", "list", "--after", "-1"], "Error: Please give "),
    ])
    func negativeNumberOfAnOptionIsToldAsWrongAndNotAsMissing(words: [String], beginning: String) async throws {
        let result = try await CommandRun().run(words)

        #expect(result.status == .usage)
        #expect(result.errors.hasPrefix(beginning), "\(result.errors)")
    }

    @Test func mistypedSubcommandOfAGroupIsToldWithTheGroupsUsage() async throws {
        let result = try await CommandRun()("log", "tial")
        let json = try await CommandRun()("log", "tial", "--json")

        #expect(result.status == .usage)
        #expect(
            result.errors == """
                Error: There is no command 'tial' in 'manage log'. Did you mean 'manage log tail'?
                Usage: manage log <subcommand>
                  See 'manage log --help' for more information.

                """)
        #expect(json.status == .usage)
        #expect(try JSONValue.parse(Array(json.errors.utf8))["error"]?["message"]?.string?.contains("'tial'") == true)
    }

    @Test(arguments: [["help", "bogus"], ["help", "config", "bogus"], ["help", "exit-code"]])
    func helpOfNothingIsWrongUsage(_ words: [String]) async throws {
        let result = try await CommandRun().run(words)

        #expect(result.status == .usage)
        #expect(result.errors.contains(words.last ?? ""))
    }

    @Test func nearNameIsSuggested() async throws {
        #expect(try await CommandRun()("help", "confg").errors.contains("Did you mean 'config'?"))
    }

    @Test(arguments: [["config", "get", "NO.KEY", "--json"], ["--json", "config", "get"], ["--json", "nosuch"]])
    func errorsAreJSONWhenJSONIsAskedFor(_ words: [String]) async throws {
        let result = try await CommandRun().run(words)

        #expect(result.status == .usage)
        #expect(result.output == "")
        let error = try JSONValue.parse(Array(result.errors.utf8))
        #expect(error["error"]?["status"]?.int == 64)
        #expect(error["error"]?["message"]?.string?.isEmpty == false)
        #expect(error["version"]?.int == 1)
    }

    /// A script that asks for JSON can read why a command failed, whatever failed; it says what the status is, too.
    @Test(arguments: [
        (["user", "create", "--login", "seed", "--password-stdin"], CommandStatus.refused, "seed"),
        (["user", "show", "nobody"], .notFound, "nobody"),
        (["user", "create", "--login", "ALICE", "--password-stdin"], .exists, "ALICE"),
        (["user", "list", "--config", "empty.ini"], .unavailable, "empty.db"),
        (["user", "list", "--config", "wrong.ini"], .settings, "URI"),
    ])
    func failuresOfCommandsAreJSONToo(_ words: [String], status: CommandStatus, subject: String) async throws {
        let run = try CommandRun()
        #expect(try await run("db", "create", "-q").status == .done)
        let alice = try await run("user", "create", "--login", "alice", "--password-stdin", "-q", input: "word\n")
        #expect(alice.status == .done)
        try run.write("[DATABASE]\nURI = sqlite:empty.db\n", to: "empty.ini")
        try run.write("[DATABASE]\nURI = mysql://u@h/n\n", to: "wrong.ini")

        let result = try await run.run(words + ["--json", "-q"], input: "word\n")

        #expect(result.status == status)
        #expect(result.output == "")
        let error = try JSONValue.parse(Array(result.errors.utf8))
        #expect(error["error"]?["status"]?.int == Int64(status.rawValue))
        #expect(error["error"]?["message"]?.string?.contains(subject) == true, "\(result.errors)")
        #expect(error["version"]?.int == 1)
    }

    @Test(arguments: [["--config"], ["--config", ""], ["--config="], ["config", "--config"]])
    func missingPathIsWrongUsage(_ words: [String]) async throws {
        let result = try await CommandRun().run(words)

        #expect(result.status == .usage)
        #expect(result.errors.contains("Please give a path"))
    }

    @Test func fileBehindTheSubcommandGoesBeforeTheOneInFront() async throws {
        let run = try CommandRun()
        try run.write("[SERVER]\nPORT = 1\n", to: "front.ini")
        try run.write("[SERVER]\nPORT = 2\n", to: "back.ini")

        let front = try await run("--config", "front.ini", "config", "show")
        let both = try await run("--config", "front.ini", "config", "show", "-q", "--config", "back.ini")

        #expect(front.output.contains("front.ini:2"))
        #expect(both.output.contains("back.ini:2"))
    }
}

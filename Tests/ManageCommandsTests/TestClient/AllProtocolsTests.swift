// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Testing

@testable import ManageCommands

/// The commands of `testclient` over every protocol, against a whole server.
@Suite(.timeLimit(.minutes(10))) struct AllProtocolsTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private static let person = ["--login", "7", "--password-stdin"]

    @Test func everyPairOfProtocolsTalksAndLeavesNothingBehind() async throws {
        try await WholeServer.during(run) { environment in
            let result = try await run.run(
                ["testclient", "session", "--protocol", "all", "--json"], environment: environment)

            #expect(result.status == .done, "\(result.errors)")
            let report = try JSONValue.parse(Array(result.output.utf8))
            let steps = try #require(report["steps"]?.array)
            #expect(steps.count == 4 + 12)
            for step in steps { #expect(step["outcome"]?.string == "passed", "\(result.output)") }
            #expect(Set(steps.compactMap { $0["method"]?.string }).count == 16)
            for words in [["user", "list"], ["flow", "list"]] {
                let list = try await run.run(words + ["--json"], environment: environment)
                #expect(list.output.contains("[]"), "\(list.output)")
            }
        }
    }

    @Test(arguments: ["skaro", "messenger", "fastchat"])
    func twoPeopleOfOneProtocolTalk(name: String) async throws {
        try await WholeServer.during(run) { environment in
            let result = try await run.run(
                ["testclient", "session", "--protocol", name], environment: environment)

            #expect(result.status == .done, "\(result.errors)")
            #expect(result.output.contains("4 passed, 0 skipped, 0 failed."))
        }
    }

    @Test func peopleAreFoundBesideALargeSeed() async throws {
        try await WholeServer.during(run) { environment in
            // All within few seconds, as a seed is: a page of updates never ends inside a second.
            let seeded = try await run(
                "flow", "seed", "--users", "100", "--flows", "20", "--messages", "100000", "-q",
                environment: environment)
            for login in ["7", "bob"] {
                _ = try await run.run(
                    ["user", "create", "--login", login, "--username", login, "--password-stdin"], input: "secret word",
                    environment: environment)
            }

            let sent = try await run.run(
                ["testclient", "send", "--to", "bob", "--text", "Hello"] + Self.person, input: "secret word",
                environment: environment)
            let group = try await run.run(
                ["testclient", "send", "--to", "#Welcome", "--text", "Hello all"] + Self.person, input: "secret word",
                environment: environment)
            let session = try await run.run(
                ["testclient", "session", "--protocol", "all"], environment: environment)

            #expect(seeded.status == .done)
            #expect(sent.status == .done, "\(sent.errors)")
            #expect(group.status == .done, "\(group.errors)")
            #expect(session.output.contains("16 passed, 0 skipped, 0 failed."), "\(session.output)")
        }
    }

    @Test func flowsAreNamedAsForOtherCommands() async throws {
        try await WholeServer.during(run) { environment in
            for login in ["7", "8"] {
                _ = try await run.run(
                    ["user", "create", "--login", login, "--username", login, "--password-stdin"], input: "secret word",
                    environment: environment)
            }
            for title in ["Team", "Other", "Twin", "Twin"] {
                let made = try await run.run(
                    ["flow", "create", "--login", "7", "--type", "group", "--title", title, "--member", "8", "-q"],
                    environment: environment)
                #expect(made.status == .done)
            }
            let shown = try await run("flow", "show", "Team", "--json", environment: environment)
            let uuid = try #require(try JSONValue.parse(Array(shown.output.utf8))["flow"]?["uuid"]?.string)

            for (index, name) in ["Team", "1", "#1", String(uuid.prefix(8)), uuid].enumerated() {
                let sent = try await run.run(
                    ["testclient", "send", "--flow", name, "--text", "Hello \(index)"] + Self.person,
                    input: "secret word", environment: environment)
                #expect(sent.status == .done, "\(name): \(sent.errors)")
            }
            for (index, (name, group)) in [("mtp", "#1"), ("skaro", "#Team"), ("messenger", "#Team")].enumerated() {
                let sent = try await run.run(
                    ["testclient", "send", "--protocol", name, "--to", group, "--text", "To all \(index)"]
                        + Self.person,
                    input: "secret word", environment: environment)
                #expect(sent.status == .done, "\(name): \(sent.errors)")
            }
            for (name, status) in [("Nowhere", CommandStatus.notFound), ("Twin", .usage), ("99", .notFound)] {
                let refused = try await run.run(
                    ["testclient", "send", "--flow", name, "--text", "x"] + Self.person, input: "secret word",
                    environment: environment)
                #expect(refused.status == status, "\(name): \(refused.errors)")
            }

            let list = try await run("message", "list", "Team", "--json", environment: environment)
            let texts = try JSONValue.parse(Array(list.output.utf8))["messages"]?.array?.compactMap {
                $0["text"]?.string
            }
            #expect(texts == (0..<5).map { "Hello \($0)" } + (0..<3).map { "To all \($0)" })
        }
    }

    @Test func sendOverMTPLogsOutAgain() async throws {
        try await WholeServer.during(run) { environment in
            for login in ["7", "8"] {
                _ = try await run.run(
                    ["user", "create", "--login", login, "--username", login, "--password-stdin"], input: "secret word",
                    environment: environment)
            }
            for words in [["send", "--to", "8", "--text", "x"], ["send", "-t", "ping_pong"], ["ping"]] {
                let result = try await run.run(
                    ["testclient"] + words + Self.person, input: "secret word", environment: environment)
                #expect(result.status == .done, "\(words): \(result.errors)")
            }

            let sessions = try await run("user", "sessions", "7", "--json", environment: environment)

            #expect(try JSONValue.parse(Array(sessions.output.utf8))["sessions"]?.array?.isEmpty == true)
        }
    }

    @Test func closedRegistrationIsTold() async throws {
        try await WholeServer.during(run, setting: ["PARLEY_REGISTRATION_MODE": "closed"]) { environment in
            for name in ["skaro", "messenger", "fastchat", "all"] {
                let result = try await run.run(
                    ["testclient", "session", "--protocol", name], environment: environment)
                #expect(result.status == .refused, "\(name): \(result.errors)")
            }
        }
    }

    @Test(arguments: ["mtp", "skaro", "messenger", "fastchat"])
    func sendAndPingOverEachProtocol(name: String) async throws {
        try await WholeServer.during(run) { environment in
            let base = ["--protocol", name] + Self.person
            for (words, status) in [
                (["send", "--register", "--to", "7", "--text", "x"], CommandStatus?.none),
                (["ping"], .done), (["send", "--to", "7007", "--text", "x"], .notFound),
            ] {
                let result = try await run.run(
                    ["testclient"] + words + base, input: "secret word", environment: environment)
                if let status { #expect(result.status == status, "\(words): \(result.errors)") }
            }
            let made = try await run.run(
                ["user", "create", "--login", "8", "--username", "Eight", "--password-stdin"], input: "other word",
                environment: environment)
            #expect(made.status == .done)

            let sent = try await run.run(
                ["testclient", "send", "--to", "8", "--text", "Hello eight", "--json"] + base, input: "secret word",
                environment: environment)
            let wrong = try await run.run(
                ["testclient", "ping"] + base, input: "wrong word", environment: environment)

            #expect(sent.status == .done, "\(sent.errors)")
            let report = try JSONValue.parse(Array(sent.output.utf8))
            #expect(report["protocol"]?.string == name)
            #expect(report["to"]?.string == "8")
            #expect(wrong.status == .refused, "\(wrong.errors)")
            let log = try await run.run(
                ["tail", "--once", "--json", "--text", "--yes", "-n", "1000"], environment: environment)
            #expect(log.output.contains(#""text":"Hello eight""#))
        }
    }

    @Test func keysAreWrittenOnceAndReadAgain() async throws {
        try await WholeServer.during(run) { environment in
            let base = ["testclient", "ping", "--protocol", "fastchat", "--keys", "seven"] + Self.person
            let missing = try await run.run(base, input: "secret word", environment: environment)
            let made = try await run.run(base + ["--register"], input: "secret word", environment: environment)
            let key = try run.content(of: "seven_private.pem")
            let again = try await run.run(base, input: "secret word", environment: environment)

            #expect(missing.status == .notFound)
            #expect(missing.errors.contains("seven_private.pem"))
            #expect(made.status == .done, "\(made.errors)")
            #expect(again.status == .done, "\(again.errors)")
            #expect(key?.hasPrefix("-----BEGIN RSA PRIVATE KEY-----") == true)
            #expect(try run.content(of: "seven_private.pem") == key)
            #expect(try run.content(of: "seven_public.pem")?.hasPrefix("-----BEGIN RSA PUBLIC KEY-----") == true)
            var status = stat()
            #expect(stat(run.path("seven_private.pem"), &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func balancerNamesTheServer() async throws {
        try await WholeServer.during(run, setting: ["PARLEY_BALANCER_LISTEN": "127.0.0.1:0"]) { environment in
            let words = ["testclient", "ping", "--protocol", "fastchat", "--json"] + Self.person
            let balancer = try #require(environment["PARLEY_BALANCER_LISTEN"])
            // Without the right port of the server in the settings only the balancer leads there.
            let misled = environment.merging(["PARLEY_FASTCHAT_PORT": "1"]) { $1 }

            let made = try await run.run(words + ["--register"], input: "secret word", environment: misled)
            let named = try await run.run(
                words + ["-a", "tcp://\(balancer)"], input: "secret word", environment: misled)
            let nobody = try await run.run(
                words + ["-a", "tcp://127.0.0.1:1"], input: "secret word", environment: misled)

            for result in [made, named] {
                #expect(result.status == .done, "\(result.errors)")
                #expect(result.output.contains(#""address" : "tcp://\#(balancer)""#))
            }
            #expect(nobody.status == .unavailable)
        }
    }

    @Test(arguments: [
        ["send", "--protocol", "skaro", "--text", "x"], ["send", "--protocol", "skaro", "--to", "x"],
        ["send", "--to", "x", "--raw", "{}"], ["send", "--to", "x", "--login", "a", "--flow", "1"],
        ["send", "--to", "x", "--login", "a", "-t", "ping_pong"], ["send", "--protocol", "all"],
        ["send", "--to", "x", "--login", "a", "--keys", "k"], ["ping", "--protocol", "messenger"],
        ["session", "--protocol", "all", "-a", "ws://a/ws"], ["session", "--protocol", "skaro", "--login", "a"],
        ["session", "--keys", "k"], ["chat"], ["chat", "--login", "a", "--keys", "k"], ["chat", "--login", ""],
        ["chat", "--login", "a", "--json"], ["ping", "-a", "tcp://host"], ["ping", "-a", "tcp://host:0"],
        ["ping", "-a", "tls://host:1/path"], ["ping", "-a", "udp://host:1"],
    ])
    func wrongOptionsAreRefused(_ words: [String]) async throws {
        let result = try await run.run(["testclient"] + words)

        #expect(result.status == .usage, "\(words)")
        #expect(result.output == "")
    }

    @Test(arguments: [
        ("mtp", "tcp://127.0.0.1:1", CommandStatus.usage), ("messenger", "ws://127.0.0.1:1/ws", .usage),
        ("skaro", "ws://127.0.0.1:1/skaro", .unavailable), ("messenger", "tcp://127.0.0.1:1", .unavailable),
    ])
    func addressMustFitTheProtocol(name: String, address: String, status: CommandStatus) async throws {
        let result = try await run.run(
            ["testclient", "ping", "--protocol", name, "-a", address] + Self.person, input: "secret word")

        #expect(result.status == status, "\(result.errors)")
    }

    @Test func protocolThatIsSwitchedOffIsNamed() async throws {
        let result = try await run.run(
            ["testclient", "ping", "--protocol", "messenger"] + Self.person, input: "secret word",
            environment: ["PARLEY_MESSENGER_ENABLED": "off"])

        #expect(result.status == .unavailable)
        #expect(result.errors.contains("MESSENGER.ENABLED"))
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import Storage
import Testing

@testable import ManageCommands

@Suite(.timeLimit(.minutes(10))) struct TailTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// Somebody with a group, in which they said something.
    static func speaker(_ chat: Chat, saying texts: [String]) async throws -> (Principal, Identifier) {
        let origin = Origin(protocol: "mtp", address: "::1")
        let logIn = try await chat.register(
            login: "alice", password: Password("secret word"), username: nil, email: nil, from: origin)
        let flow = try await chat.createFlow(
            .group, title: "Garden\u{1B}[31m", info: "", members: [logIn.principal.uuid], by: logIn.principal)
        for text in texts { try await say(text, chat, logIn.principal, flow.record.uuid) }
        return (logIn.principal, flow.record.uuid)
    }

    private static func say(_ text: String, _ chat: Chat, _ principal: Principal, _ flow: Identifier) async throws {
        _ = try await chat.receipt(of: chat.submit(MessageContent(text: text), to: flow, by: principal))
    }

    @Test func showsWhoDidWhatWhereWithoutTexts() async throws {
        try await RunningServer.during(run) { chat in
            _ = try await Self.speaker(chat, saying: ["Shall we plant beans?"])

            let result = try await run("tail", "--once", "-n", "100")

            #expect(result.status == .done)
            let line = try #require(result.output.split(separator: "\n").last)
            #expect(line.contains(" alice "))
            #expect(line.contains(" #Garden\\u{1b}"))
            #expect(line.contains(" message "))
            #expect(!result.output.contains("beans"))
            #expect(!result.output.contains("\u{1B}"))
            for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        }
    }

    @Test func jsonIsOneObjectPerLine() async throws {
        try await RunningServer.during(run) { chat in
            _ = try await Self.speaker(chat, saying: ["one", "two"])

            let result = try await run("tail", "--once", "--json", "--last", "2", "--text", "--yes")

            let lines = try result.output.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
            #expect(lines.map { $0["text"]?.string } == ["one", "two"])
            for line in lines {
                #expect(line["kind"]?.string == "message")
                #expect(line["sender"]?.string == "alice")
                #expect(line["version"]?.int == 1)
                #expect(line["size"]?.int ?? 0 > 0)
                #expect(line["flow"]?["type"]?.string == "group")
                #expect(line["protocol"]?.string == "mtp")
            }
        }
    }

    @Test func textsNeedConsent() async throws {
        try await RunningServer.during(run) { chat in
            _ = try await Self.speaker(chat, saying: ["Shall we plant beans?"])

            let refused = try await run("tail", "--once", "--text")
            let allowed = try await run("tail", "--once", "--text", "--yes")

            #expect(refused.status == .usage)
            #expect(refused.output == "")
            #expect(refused.errors.contains("--yes"))
            #expect(allowed.output.contains("\n  Shall we plant beans?\n"))
        }
    }

    @Test func followsUntilItIsInterrupted() async throws {
        try await RunningServer.during(run) { chat in
            let (principal, flow) = try await Self.speaker(chat, saying: ["before"])

            let status = try await LiveRun.during(
                ["tail", "--last", "1", "--json", "--text", "--yes"], in: run
            ) { live in
                var pieces = live.output.makeAsyncIterator()
                #expect(await pieces.next()?.contains(#""text":"before""#) == true)
                for text in ["first", "second"] {
                    try await Self.say(text, chat, principal, flow)
                    #expect(await pieces.next()?.contains(#""text":"\#(text)""#) == true)
                }
                live.interrupt()
            }

            #expect(status == .interrupted)
        }
    }

    @Test func endsWhenNobodyReads() async throws {
        try await RunningServer.during(run) { chat in
            _ = try await Self.speaker(chat, saying: ["before"])

            let status = try await LiveRun.during(["tail", "--last", "1"], in: run) { live in
                var pieces = live.output.makeAsyncIterator()
                _ = await pieces.next()
                live.leave()
            }

            #expect(status == .done)
        }
    }

    @Test func withoutAServerShowsWhatIsThereAndEnds() async throws {
        try await RunningServer.during(run) { chat in _ = try await Self.speaker(chat, saying: ["before"]) }

        let result = try await run("tail", "--last", "1")

        #expect(result.status == .done)
        #expect(result.output.contains(" message "))
        #expect(result.errors.contains("No server is running"))
    }

    @Test func lastEntriesAreCountedAcrossGaps() async throws {
        try await RunningServer.during(run) { chat in
            let (principal, flow) = try await Self.speaker(chat, saying: ["one", "two", "three"])
            _ = try await chat.createFlow(.group, title: "Other", info: "", members: [], by: principal)
            #expect(try await run("flow", "delete", flow.description, "--yes", "-q").status == .done)

            let few = try await run("tail", "--once", "-n", "3")
            let none = try await run("tail", "--once", "-n", "0")

            #expect(few.output.split(separator: "\n").count == 3, "\(few.output)")
            #expect(none.output == "")
        }
    }

    @Test func saysWhatHappenedToASessionOrFlow() async throws {
        try await RunningServer.during(run) { chat in
            let (_, flow) = try await Self.speaker(chat, saying: ["one"])
            _ = try await run("user", "logout", "alice", "-q")
            _ = try await run("flow", "delete", flow.description, "--yes", "-q")

            let result = try await run("tail", "--once", "-n", "100")

            for words in ["user created", "session ended", "flow deleted"] {
                #expect(result.output.contains(" \(words) "), "\(result.output)")
            }
        }
    }

    @Test func serverThatEndsIsWaitedFor() async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let (starts, start) = AsyncStream.makeStream(of: Void.self)
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let run = run
        async let serving: Void = {
            try await RunningServer.during(run) { chat in
                _ = try await Self.speaker(chat, saying: ["before"])
                start.yield()
                _ = await ends.first { _ in true }
            }
            stop.yield()
        }()
        _ = await starts.first { _ in true }

        let status = try await LiveRun.during(["tail", "--last", "1", "--json", "--text", "--yes"], in: run) { live in
            var pieces = live.output.makeAsyncIterator()
            #expect(await pieces.next()?.contains("before") == true)
            end.yield()
            _ = await stops.first { _ in true }
            try await RunningServer.during(run) { chat in
                let origin = Origin(protocol: "mtp", address: "::1")
                _ = try await chat.logIn(login: "alice", password: Password("secret word"), from: origin)
                // What happened meanwhile comes, and the message from before does not come again.
                let next = await pieces.next()
                #expect(next?.contains("session") == true && next?.contains("before") == false)
                live.interrupt()
                while await pieces.next() != nil {}
            }
        }

        try await serving
        #expect(status == .interrupted)
    }

    @Test(arguments: [["--last", "-1"], ["--last", "1000001"], ["--yes"], ["--last", "x"]])
    func wrongOptionsAreRefused(_ words: [String]) async throws {
        #expect(try await run.run(["tail"] + words).status == .usage)
    }
}

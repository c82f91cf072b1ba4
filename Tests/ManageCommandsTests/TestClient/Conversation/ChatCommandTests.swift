// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManageCommands

/// `testclient chat` on pseudo-terminals, against a whole server.
@Suite(.timeLimit(.minutes(10))) struct ChatCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
        try run.write("secret word\n", to: "password")
    }

    private func words(_ name: String, _ login: String, _ more: String...) -> [String] {
        [
            "testclient", "chat", "--protocol", name, "--login", login, "--register", "--password-file",
            run.path("password"), "--no-color",
            "--timeout", "200",
        ] + more
    }

    @Test func peopleOfTwoProtocolsTalkAndTerminalsAreRestored() async throws {
        try await WholeServer.during(run) { environment in
            let (alice, bob) = (try TestTerminal(), try TestTerminal(lines: 10, columns: 40))
            let (registered, registration) = AsyncStream.makeStream(of: Void.self)
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            async let bobs = LiveRun.during(words("skaro", "bob"), in: run, environment: environment, terminal: bob) {
                _ in
                await bob.shows("You are bob")
                registration.yield()
                let greeting = await bob.shows("alice: Good morning")
                #expect(greeting.contains("alice: Good morning"))
                // Whoever speaks first is answered.
                await bob.shows("alice> ")
                bob.type("half")
                await bob.shows("half")
                beginning.yield()
                let interrupted = await bob.shows("alice: Are you there?")
                // The line that is being typed is taken away, and drawn again below what came.
                #expect(interrupted.contains("\r\u{1B}[K"))
                await bob.shows("alice> half")
                bob.type(" of it\r")
                await bob.shows("bob: half of it")
                bob.type("\u{04}")
            }
            _ = await registered.first { _ in true }
            let alices = try await LiveRun.during(
                words("mtp", "alice"), in: run, environment: environment, terminal: alice
            ) { _ in
                await alice.shows("/help lists the commands.")
                #expect(!alice.isUsual)
                alice.type("/to bob\r")
                await alice.shows("bob> ")
                alice.type("Good morning\r")
                await alice.shows("alice: Good morning")
                // Not before Bob is typing, whom it is to interrupt.
                _ = await begun.first { _ in true }
                alice.type("Are you there?\r")
                await alice.shows("bob: half of it")
                alice.type("\u{03}")
            }

            #expect(alices == .interrupted)
            #expect(try await bobs == .done)
            #expect(alice.isUsual)
            #expect(bob.isUsual)
        }
    }

    @Test func fastChatMakesGroupsAndSendsPictures() async throws {
        try await WholeServer.during(run) { environment in
            try run.write("not really a picture", to: "picture.png")
            let (seven, eight) = (try TestTerminal(), try TestTerminal())
            let (registered, registration) = AsyncStream.makeStream(of: Void.self)
            async let eights = LiveRun.during(
                words("fastchat", "8", "--keys", "eight"), in: run, environment: environment, terminal: eight
            ) { _ in
                await eight.shows("You are 8")
                registration.yield()
                await eight.shows("7: Hello group")
                await eight.shows("7: [picture]")
                eight.type("/quit\r")
            }
            let sevens = try await LiveRun.during(
                words("fastchat", "7", "--keys", "seven"), in: run, environment: environment, terminal: seven
            ) { _ in
                await seven.shows("You are 7")
                _ = await registered.first { _ in true }
                seven.type("/group new 8\r")
                await seven.shows("You have successfully created the group")
                seven.type("Hello group\r")
                await seven.shows("7: Hello group")
                seven.type("/image picture.png\r")
                await seven.shows("7: [picture]")
                seven.type("/image missing.png\r")
                await seven.shows("missing.png' cannot be read")
                seven.type("/group remove 8\r")
                await seven.shows("removed 8 from group")
                seven.type("/to x\r")
                await seven.shows("is no number")
                seven.type("/quit\r")
            }

            #expect(sevens == .done)
            #expect(try await eights == .done)
        }
    }

    @Test func commandsAskAndMistakesAreTold() async throws {
        try await WholeServer.during(run) { environment in
            for login in ["bob", "eve"] {
                _ = try await run.run(
                    ["user", "create", "--login", login, "--username", login, "--password-stdin"], input: "other word",
                    environment: environment)
            }
            let terminal = try TestTerminal()
            let status = try await LiveRun.during(
                words("skaro", "alice", "--to", "bob"), in: run, environment: environment, terminal: terminal
            ) { _ in
                await terminal.shows("bob> ")
                for (typed, shown) in [
                    ("One", "alice: One"), ("Two\u{1B}[D\u{7F}v", "Tvo"), ("/history", "alice: Tvo"),
                    ("/contacts", "no contacts"), ("/add eve", "eve"), ("/contacts", "offline  eve"),
                    ("/to nobody", "404"), ("/nonsense", "There is no command /nonsense"), ("/help", "/quit"),
                    ("/group new x", "no request that makes a group"), ("/groups", "You are in no group."),
                ] {
                    terminal.type(typed + "\r")
                    await terminal.shows(shown)
                }
                terminal.type("\u{04}")
            }

            #expect(status == .done)
        }
    }

    @Test func serverThatEndsIsWaitedFor() async throws {
        let terminal = try TestTerminal()
        let (environments, announcement) = AsyncStream.makeStream(of: [String: String].self)
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let run = run
        async let serving: Void = {
            try await WholeServer.during(run) { environment in
                announcement.yield(environment)
                _ = await ends.first { _ in true }
            }
            stop.yield()
        }()
        let environment = try #require(await environments.first { _ in true })

        let status = try await LiveRun.during(
            words("messenger", "alice"), in: run, environment: environment, terminal: terminal
        ) { _ in
            await terminal.shows("/help lists the commands.")
            end.yield()
            await terminal.shows("waiting until it is back.")
            _ = await stops.first { _ in true }
            try await WholeServer.during(run, setting: environment) { _ in
                await terminal.shows("Connected again.")
                terminal.type("/help\r")
                await terminal.shows("/quit")
                terminal.type("\u{03}")
                await terminal.shows("<end>")
            }
        }

        try await serving
        #expect(status == .interrupted)
        #expect(terminal.isUsual)
    }

    @Test func interruptionIsAlwaysAnInterruption() async throws {
        try await WholeServer.during(run) { environment in
            _ = try await run.run(
                ["user", "create", "--login", "alice", "--username", "Alice", "--password-stdin"], input: "secret word",
                environment: environment)
            let login = [
                "testclient", "chat", "--protocol", "skaro", "--login", "alice", "--password-file",
                run.path("password"),
                "--timeout", "200",
            ]
            let terminal = try TestTerminal()
            for _ in 1...20 {
                let status = try await LiveRun.during(login, in: run, environment: environment, terminal: terminal) {
                    _ in
                    await terminal.shows("/help lists the commands.")
                    terminal.type("\u{03}")
                    await terminal.shows("<end>")
                }
                #expect(status == .interrupted)
            }
        }
    }

    @Test func withoutATerminalThereIsNoConversation() async throws {
        let result = try await run.run(
            ["testclient", "chat", "--login", "alice", "--password-file", run.path("password")])

        #expect(result.status == .usage)
        #expect(result.errors.contains("terminal"))
    }
}

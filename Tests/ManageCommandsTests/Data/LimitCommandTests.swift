// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManageCommands

/// `user limits`, and what doctor and `config check` say of the front door.
struct LimitCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    @Test func limitsOfAnAccountAreShownAndChanged() async throws {
        _ = try await run("db", "create")
        _ = try await run("user", "create", "--login", "alice", "--password-stdin", "-q", input: "word\n")

        let before = try await run("user", "limits", "alice")
        let changed = try await run("user", "limits", "alice", "--writes", "100/s burst 500", "--bytes", "50 GiB")
        let unlimited = try await run("user", "limits", "alice", "--unlimited", "--json")
        let reset = try await run("user", "limits", "alice", "--reset")

        #expect(before.status == .done)
        #expect(before.output.contains("as in the settings"))
        #expect(changed.output.contains("100/s burst 500"))
        #expect(changed.output.contains("50 GiB"))
        #expect(unlimited.output.contains("\"write\" : \"off\""))
        #expect(!reset.output.contains("off"))
    }

    @Test(arguments: [
        ["--writes", "1/s", "--reset"], ["--unlimited", "--reset"], ["--bytes", "much"],
    ]) func wrongUseIsAnsweredAtOnce(words: [String]) async throws {
        #expect(try await run.run(["user", "limits", "alice"] + words).status == .usage)
    }

    @Test func passwordsInClearAreFound() async throws {
        try run.write("[SERVER]\nHOST = 0.0.0.0\n[MESSENGER]\nENABLED = on\n", to: "config.ini")

        let check = try await run("config", "check")

        #expect(check.status == .findings)
        #expect(check.output.contains("config.ini:2: Passwords and messages cross the network in clear"))
        #expect(check.output.contains("config.ini:4: Passwords of messenger clients cross the network in clear"))
        #expect(check.output.contains("FastChat clients are not served"))
    }
}

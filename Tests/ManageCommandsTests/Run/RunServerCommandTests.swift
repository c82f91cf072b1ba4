// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

@testable import ManageCommands

/// What `runserver` does before it serves; a wrong setting stops it there.
struct RunServerCommandTests {
    private let run: CommandRun
    private let wrong = ["PARLEY_SERVER_PORT": "x"]

    init() throws {
        run = try CommandRun()
    }

    @Test func firstStartWritesASettingsFile() async throws {
        let result = try await run("runserver", environment: wrong)

        #expect(result.status == .settings)
        #expect(result.errors.contains("Wrote the settings file \(run.path("config.ini"))"))
        #expect(result.errors.contains("PARLEY_SERVER_PORT"))
        #expect(try run.content(of: "config.ini") == SettingsDocumentation.exampleFile())
        #expect(run.names() == ["config.ini"])
    }

    @Test func fileThatIsThereStaysAsItIs() async throws {
        try run.write("[SERVER]\nPORT = x\n", to: "config.ini")

        let result = try await run("runserver")

        #expect(result.status == .settings)
        #expect(result.errors.contains("config.ini:2"))
        #expect(try run.content(of: "config.ini") == "[SERVER]\nPORT = x\n")
    }

    @Test func chosenFileThatIsMissingIsNotMadeUp() async throws {
        let option = try await run("runserver", "--config", "none.ini")
        let environment = try await run("runserver", environment: ["PARLEY_CONFIG": "none.ini"])

        for result in [option, environment] {
            #expect(result.status == .settings)
            #expect(result.errors.contains("none.ini"))
        }
        #expect(run.names().isEmpty)
    }

    @Test func optionsWithoutEffectAreToldOnStderr() async throws {
        let result = try await run("runserver", "--loop", "uvloop", "--ws", "wsproto", environment: wrong)

        #expect(result.output == "")
        #expect(result.errors.contains("Warning: --loop uvloop has no effect"))
        #expect(result.errors.contains("Warning: --ws wsproto has no effect"))
    }

    @Test(arguments: [["--port", "70000"], ["--ws", "carrier-pigeon"], ["--reload", "maybe"], ["word"]])
    func wrongUseEndsWith64AndWritesNothing(_ words: [String]) async throws {
        let result = try await run.run(["runserver"] + words)

        #expect(result.status == .usage)
        #expect(run.names().isEmpty)
    }
}

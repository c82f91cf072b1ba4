// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Chat
import NIOCore
import Settings
import Telemetry
import Testing
import Transport

@testable import ManageCommands

struct RunOptionsTests {
    private func parsed(_ words: String...) throws -> RunOptions { try RunOptions.parse(words) }

    private func settings(_ options: RunOptions, in run: CommandRun) throws -> Settings {
        try Settings.load(environment: [:], overrides: options.overrides, currentFolder: run.folder)
    }

    @Test func withoutOptionsTheSettingsRule() throws {
        let options = try parsed()

        #expect(options.overrides.isEmpty)
        #expect(options.notes.isEmpty)
        #expect(options.backlog == 2048)
        #expect(options.timeoutKeepAlive == 5)
        #expect(options.limitConcurrency == nil)
        #expect(options.limitMaxRequests == nil)
        #expect(options.servesWebSockets)
        #expect(!options.reloads)
        #expect(options.wantsColors == nil)
    }

    @Test func everyOptionHasItsPlace() throws {
        let options = try parsed(
            "--host", "0.0.0.0", "--port", "9000", "--log-level", "debug", "--log-format", "json", "--use-colors",
            "--reload", "--limit-concurrency", "10", "--limit-max-requests", "20", "--backlog", "30",
            "--timeout-keep-alive", "40", "--ws", "none")
        let run = try CommandRun()
        let settings = try settings(options, in: run)

        #expect(settings.server.host == "0.0.0.0")
        #expect(settings.server.port == 9000)
        #expect(settings.logging.level == 10)
        #expect(settings.logging.format == .json)
        #expect(options.wantsColors == true)
        #expect(options.reloads)
        #expect(options.limitConcurrency == 10)
        #expect(options.limitMaxRequests == 20)
        #expect(options.backlog == 30)
        #expect(options.keepAliveTimeout == .seconds(40))
        #expect(!options.servesWebSockets)
        #expect(options.notes.isEmpty)
    }

    @Test(
        arguments: [
            (["--use-colors"], true), (["--use-colors", "true"], true), (["--use-colors", "False"], false),
            (["--use-colors=0"], false), (["--use-colors", "yes"], true), (["--no-use-colors"], false), ([], nil),
            (["--use-colors", "--port", "1"], true), (["--use-colors", "off", "--port", "1"], false),
            (["--no-use-colors", "--use-colors", "false"], false),
        ] as [([String], Bool?)]) func coloursTakeAnOptionalValue(words: [String], expected: Bool?) throws
    {
        #expect(try RunOptions.parse(words).wantsColors == expected)
    }

    @Test(arguments: [
        (["--reload"], true), (["--reload", "no"], false), (["--reload", "1"], true), ([], false),
        (["--reload", "--port", "1"], true),
    ]) func reloadTakesAnOptionalValue(words: [String], expected: Bool) throws {
        #expect(try RunOptions.parse(words).reloads == expected)
    }

    @Test(arguments: [([], ServiceMode.normal), (["--read-only"], .readOnly), (["--maintenance"], .maintenance)])
    func modeIsThatOfTheStart(words: [String], expected: ServiceMode) throws {
        #expect(try RunOptions.parse(words).mode == expected)
    }

    @Test(arguments: [
        ["--port", "65536"], ["--port", "x"], ["--port", "-1"], ["--host", "a b"], ["--host", ""],
        ["--log-level", "loud"], ["--log-level", "20"], ["--use-colors", "maybe"], ["--use-colors", "--no-use-colors"],
        ["--reload", "2"], ["--limit-concurrency", "0"], ["--limit-max-requests", "0"], ["--backlog", "0"],
        ["--backlog", "65536"], ["--timeout-keep-alive", "-1"], ["--ssl-keyfile", ""], ["--ssl-cert-reqs", "3"],
        ["--ssl-version", "1.4"], ["--ssl-version", "99"], ["--ssl-ciphers", "NOSUCH"], ["--ssl-ciphers", ":"],
        ["--ws", "wss"], ["--http", "h12"], ["--loop", "trio"], ["--lifespan", "maybe"], ["--interface", "asgi4"],
        ["--log-format", "xml"], ["--read-only", "--maintenance"], ["--nosuch"], ["word"],
    ]) func whatCannotBeEndsWith64(_ words: [String]) {
        let error = #expect(throws: (any Error).self) { try RunOptions.parse(words) }

        #expect(error.map { RunOptions.exitCode(for: $0).rawValue } == CommandStatus.usage.rawValue)
    }

    @Test func optionsWithoutEffectAreCheckedAndReported() throws {
        let options = try parsed(
            "--http", "h11", "--loop", "uvloop", "--lifespan", "on", "--interface", "asgi3", "--ws", "wsproto")
        let harmless = try parsed(
            "--http", "auto", "--loop", "auto", "--lifespan", "auto", "--interface", "auto", "--ws", "auto")

        #expect(
            options.notes == [
                "--ws wsproto has no effect: there is one implementation of WebSocket.",
                "--http h11 has no effect: there is one implementation of HTTP.",
                "--loop uvloop has no effect: there is one kind of event loop.",
                "--lifespan on has no effect: there is no ASGI application.",
                "--interface asgi3 has no effect: there is no ASGI application.",
            ])
        #expect(options.servesWebSockets)
        #expect(harmless.notes.isEmpty)
    }

    @Test(arguments: [
        ("1.0", TLSOptions.MinimumVersion.tls10), ("1.3", .tls13), ("TLSv1.2", .tls12), ("TLSv1_1", .tls11),
        ("17", .tls12), ("2", .tls12), ("3", .tls10), ("4", .tls11), ("5", .tls12), ("TLSv1", .tls10),
    ]) func versionOfTLSHasPythonsNumbersToo(word: String, version: TLSOptions.MinimumVersion) throws {
        #expect(try parsed("--ssl-version", word).sslVersion?.version == version)
    }

    @Test func certificatesComeFromOptionsBeforeSettings() throws {
        let run = try CommandRun()
        try run.write("[TLS]\nKEY_FILE = old.key\nCERT_FILE = old.crt\n", to: "config.ini")
        let options = try parsed(
            "--ssl-keyfile", "new.key", "--ssl-certfile", "/etc/new.crt", "--ssl-ca-certs", "ca.pem",
            "--ssl-cert-reqs", "2", "--ssl-version", "1.3", "--ssl-ciphers", "AES128-SHA:AES256-SHA")

        let new = try #require(options.tlsOptions(for: try settings(options, in: run)))
        let plain = try parsed()
        let old = try #require(plain.tlsOptions(for: try settings(plain, in: run)))

        #expect(new.keyFile == run.path("new.key"))
        #expect(new.certificateFile == "/etc/new.crt")
        #expect(new.certificateAuthorityFile == run.path("ca.pem"))
        #expect(new.clientCertificate == .required)
        #expect(new.minimumVersion == .tls13)
        #expect(new.ciphers == "AES128-SHA:AES256-SHA")
        #expect(old.certificateFile == run.path("old.crt"))
        #expect(old.clientCertificate == .notAsked)
        #expect(old.minimumVersion == .tls12)
        #expect(plain.tlsOptions(for: try settings(plain, in: try CommandRun())) == nil)
    }

    @Test func missingKeyFileEndsWith78AndIsNamed() throws {
        let run = try CommandRun()
        let options = try parsed("--ssl-keyfile", "none.key", "--ssl-certfile", "none.crt")
        let tls = try #require(options.tlsOptions(for: try settings(options, in: run)))

        let error = try #require(throws: TLSOptionsError.self) { try tls.makeConfiguration() }

        #expect(error.commandError.status == .settings)
        #expect(error.commandError.message.contains(run.path("none.crt")))
    }

    @Test func logFollowsSettingsAndOptions() throws {
        let run = try CommandRun()
        try run.write(
            "[LOGGING]\nLEVEL = 30\nFOLDER = logs\nEXPIRATION_DATE = 1h\nDEBUG_EXPIRATION_DATE = 10\nINFO = "
                + "{message}\n",
            to: "config.ini")
        let plain = try parsed()
        let loud = try parsed("--log-level", "trace", "--log-format", "json", "--use-colors")

        let first = logConfiguration(for: try settings(plain, in: run), options: plain, environment: ["NO_COLOR": "1"])
        let second = logConfiguration(for: try settings(loud, in: run), options: loud, environment: ["NO_COLOR": "1"])

        #expect(first.level == .warning)
        #expect(first.folder == run.path("logs"))
        #expect(first.errorDays == 1)
        #expect(first.debugDays == 10)
        #expect(first.infoTemplate.text == "{message}")
        #expect(first.format == .text)
        #expect(!first.colours)
        #expect(second.level == .trace)
        #expect(second.format == .json)
        #expect(second.colours)
        #expect(run.names() == ["config.ini"])
    }

    @Test func unwritableLogFolderEndsWith78AndIsNamed() throws {
        let run = try CommandRun()
        try run.write("[LOGGING]\nFOLDER = config.ini/log\n", to: "config.ini")
        let options = try parsed()
        let configuration = logConfiguration(for: try settings(options, in: run), options: options, environment: [:])

        let error = try #require(throws: LogError.self) { try LogSink(configuration) }

        #expect(error.commandError.status == .settings)
        #expect(error.commandError.message.contains("config.ini/log"))
    }
}

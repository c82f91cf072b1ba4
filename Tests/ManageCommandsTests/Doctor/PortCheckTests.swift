// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import TestSupport
import Testing

@testable import ManageCommands

/// Whether the ports of the settings are free, and who listens on them otherwise.
@Suite(.timeLimit(.minutes(10))) struct PortCheckTests {
    private let run: CommandRun
    /// Far longer than any answer takes.
    private let timeout = Duration.seconds(300)

    init() throws {
        run = try CommandRun()
    }

    @Test func freePortIsFree() async throws {
        let port = try await ScriptedServer.run(answers: ScriptedServer.always()) { $0.port }

        #expect(PortCheck.tryToListen(host: "127.0.0.1", port: port) == .free)
        #expect(PortCheck.tryToListen(host: "127.0.0.1", port: port) == .free)
    }

    @Test func portOfAnotherProgramIsAnError() async throws {
        try await ScriptedServer.run(page: #"{"hello":1}"#, answers: ScriptedServer.always()) { server in
            let check = await PortCheck.examine(try run.settings(port: server.port), timeout: timeout)

            #expect(check.severity == .error)
            #expect(check.findings.first?.message == "Another program listens on port \(server.port) of 127.0.0.1.")
        }
    }

    @Test func portOfAnotherParleyIsAnError() async throws {
        let page = #"{"version":1,"available":true,"server":null,"protocols":[],"counts":null}"#
        try await ScriptedServer.run(page: page, answers: ScriptedServer.always()) { server in
            let check = await PortCheck.examine(try run.settings(port: server.port), timeout: timeout)

            #expect(check.severity == .error)
            #expect(
                check.findings.first?.message
                    == "Another Parley server listens on port \(server.port) of 127.0.0.1.")
        }
    }

    @Test func portsOfOurOwnServerAreInOrder() async throws {
        try await WholeServer.during(run) { environment in
            let settings = try Settings.load(environment: environment, currentFolder: run.folder)

            let check = await PortCheck.examine(settings, timeout: timeout)

            #expect(check.severity == nil, "\(check.findings)")
            #expect(check.summary.contains("\(settings.messenger.address.port) is served by Parley"))
        }
    }

    /// A slow server is alive: its ports are not said to be another program's.
    @Test func serverThatIsSlowToAnswerIsNoOther() async throws {
        let (never, source) = AsyncStream.makeStream(of: Never.self)
        try await ScriptedServer.run(answers: ScriptedServer.always()) { server in
            try await RunningServer.answering(in: run) { _, _, _ in
                for await _ in never {}
            } _: {
                let check = await PortCheck.examine(try run.settings(port: server.port), timeout: .milliseconds(1))

                #expect(check.severity == .warning)
                #expect(check.findings.count == 1)
                #expect(check.findings.first?.message.hasSuffix("admin.sock' did not answer within 0.001 s.") == true)
                #expect(check.summary == "Port \(server.port) is taken.")
            }
        }
        source.finish()
    }

    @Test func programThatAnswersNothingIsTold() async throws {
        try await withSilentListener { port in
            let check = await PortCheck.examine(try run.settings(port: port), timeout: .milliseconds(1))

            #expect(check.severity == .error)
            let message = "What listens on port \(port) of 127.0.0.1 did not answer within 0.001 s."
            #expect(check.findings.map(\.message) == [message])
        }
    }

    /// A socket on which connections wait for ever.
    private func withSilentListener(_ body: (Int) async throws -> Void) async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        try #require(LoopbackAddress.with(port: 0) { bind(listener, $0, $1) == 0 && listen(listener, 8) == 0 })
        try await body(try #require(LoopbackAddress.port(of: listener)))
    }

    @Test func twoKeysWithOnePortAreFound() throws {
        let places = [
            PortCheck.Place(host: "127.0.0.1", port: 8080, hostKey: "SERVER.HOST", portKey: "SERVER.PORT"),
            PortCheck.Place(host: "0.0.0.0", port: 8080, hostKey: "FASTCHAT.HOST", portKey: "FASTCHAT.PORT"),
            PortCheck.Place(host: "127.0.0.2", port: 54321, hostKey: "X.HOST", portKey: "X.PORT"),
            PortCheck.Place(host: "127.0.0.1", port: 54321, hostKey: "Y.HOST", portKey: "Y.PORT"),
        ]

        let found = PortCheck.sharedPorts(places)

        #expect(found.map(\.message) == ["SERVER.PORT and FASTCHAT.PORT are both 8080."])
    }

    @Test func addressOfAnotherMachineIsAnError() {
        // 192.0.2.0/24 is for documentation: no machine has it.
        #expect(
            PortCheck.tryToListen(host: "192.0.2.1", port: 8080)
                == .noSuchAddress("it is no address of this machine"))
    }
}

extension CommandRun {
    /// Settings under which the server's port is this one, and the others are any that are free.
    func settings(port: Int) throws -> Settings {
        try Settings.load(
            environment: [
                "PARLEY_SERVER_PORT": "\(port)", "PARLEY_MESSENGER_PORT": "0", "PARLEY_FASTCHAT_PORT": "0",
                "PARLEY_METRICS_LISTEN": "127.0.0.1:0",
            ], currentFolder: folder)
    }
}

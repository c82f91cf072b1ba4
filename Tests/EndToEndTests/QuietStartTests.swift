// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestClient
import Testing

/// A start announces nothing that it then takes back, and what it says to try works as it is printed.
@Suite(.timeLimit(.minutes(10)))
struct QuietStartTests {
    @Test func socketOfAnotherServerIsToldBeforeAnythingIsAnnounced() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            try program.write("[DATABASE]\nURI = sqlite:other.db\n", to: "other.ini")

            let result = try await program.manage("runserver", "--config", "other.ini")

            #expect(result.ending == .exited(78))
            #expect(result.errorLines.first?.contains("Another server listens on") == true, "\(result.errors)")
            result.expectNothingWasAnnounced()
            await server.stop()
        }
    }

    @Test func bannerComesLast() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            #expect(await server.process.output.line { $0.hasPrefix("Try it ") } != nil)

            let log = server.process.errors.text

            #expect(log.contains("The server is running"))
            await server.stop()
            // Between the banner and the signal nothing was logged.
            let rest = server.process.errors.text.dropFirst(log.count)
            #expect(rest.split(separator: "\n").first?.contains("Stopping;") == true, "\(rest)")
        }
    }

    @Test(arguments: [[], ["--config", "folder/other.ini"], ["--ssl"], ["--port", "0"]])
    func trialWorksAsPrinted(options: [String]) async throws {
        try await Program.with { program in
            #expect(try await program.run(["mkdir", "folder"]).ending == .exited(0))
            try program.write("[SERVER]\nNAME = Other\n", to: "folder/other.ini")
            var words = options
            if options == ["--ssl"] {
                let certificates = try await Certificates(in: program)
                words = [
                    "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile", certificates.server.key,
                ]
            }
            // Neither the file nor the environment of who tries it knows the port of the option.
            if options.first == "--port" { program["PARLEY_SERVER_PORT"] = nil }
            let child = try await program.start([Program.path, "runserver"] + words)
            let server = try await RunningServer(child)
            let line = try #require(await child.output.line { $0.hasPrefix("Try it ") })
            let trial = try #require(line.split(separator: ": ", maxSplits: 1).last)

            let result = try await program.run(trial.split(separator: " ").map(String.init))

            #expect(result.ending == .exited(0), "\(trial): \(result.errors)")
            await server.stop()
        }
    }

    @Test func bareCommandsFindTheServerThatRuns() async throws {
        try await Program.with { program in
            // The settings say port 0 for every protocol.
            let server = try await program.startServer()

            try program.write("a long password", to: "pw", mode: 0o600)
            for login in ["alice", "bob"] {
                let made = try await program.manage("user", "create", "--login", login, "--password-file", "pw")
                #expect(made.ending == .exited(0), "\(made.errors)")
            }
            let account = ["--login", "alice", "--password-file", "pw", "--timeout", "300"]

            let bare = try await program.manage("testclient", "ping")
            #expect(bare.ending == .exited(0), "\(bare.output)\(bare.errors)")
            for name in ["skaro", "messenger"] {
                for words in [["ping"], ["send", "--to", "bob", "--text", "Hi"]] {
                    let result = try await program.run(
                        [Program.path, "testclient"] + words + ["--protocol", name] + account)
                    #expect(result.ending == .exited(0), "\(name), \(words): \(result.output)\(result.errors)")
                }
            }
            // FastChat, too, with the balancer's signature.
            let session = try await program.manage(
                "testclient", "session", "--protocol", "all", "--timeout", "300")
            #expect(session.ending == .exited(0), "\(session.output)\(session.errors)")
            await server.stop()
        }
    }

    @Test func clientCertificateIsShown() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            let server = try await program.startServer(
                "--ssl-certfile", certificates.server.certificate, "--ssl-keyfile", certificates.server.key,
                "--ssl-cert-reqs", "2", "--ssl-ca-certs", certificates.authority)
            let line = await server.process.output.line { $0.hasPrefix("Try it ") }

            let bare = try await program.manage("testclient", "send")
            let shown = try await program.manage(
                "testclient", "send", "--cert-file", certificates.client.certificate, "--key-file",
                certificates.client.key)
            let half = try await program.manage(
                "testclient", "send", "--cert-file", certificates.client.certificate)

            #expect(line?.contains("--cert-file") == true)
            #expect(bare.ending == .exited(69), "\(bare.errors)")
            #expect(shown.ending == .exited(0), "\(shown.errors)")
            #expect(half.ending == .exited(64))
            await server.stop()
        }
    }

    @Test func pingNeedsNoAccount() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            var addresses = [("mtp", server.url)]
            for name in ["skaro", "messenger", "FastChat"] {
                addresses.append((name.lowercased(), try #require(await server.address(of: name))))
            }

            for (name, address) in addresses {
                let there = try await program.manage("testclient", "ping", "--protocol", name, "-a", address)
                #expect(there.ending == .exited(0), "\(name): \(there.errors)")
                #expect(there.output.contains(address), "\(there.output)")
            }
            await server.stop()
            for (name, address) in addresses {
                let gone = try await program.manage("testclient", "ping", "--protocol", name, "-a", address)
                #expect(gone.ending == .exited(69), "\(name): \(gone.errors)")
            }
        }
    }

    @Test func fastChatThatNobodyCouldReachIsNeitherServedNorAnnounced() async throws {
        try await Program.with { program in
            program["PARLEY_FASTCHAT_HOST"] = "0.0.0.0"
            program["PARLEY_FASTCHAT_ENABLED"] = "on"

            let server = try await program.startServer()

            #expect(await server.process.output.line { $0.hasPrefix("Try it ") } != nil)
            #expect(!server.process.output.text.contains("FastChat"))
            #expect(server.process.errors.text.contains("FastChat clients are not served"))
            await server.stop()
        }
    }
}

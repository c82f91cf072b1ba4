// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import JSON
import MTP
import TestClient
import Testing

/// Settings that are read again by a running server.
@Suite(.timeLimit(.minutes(10)))
struct ReloadTests {
    /// What `manage reload --json` says of each key.
    private func reload(_ program: Program, isApplied: Bool = true) async throws -> [String: String] {
        let result = try await program.manage("reload", "--json")
        #expect(result.ending == .exited(isApplied ? 0 : 78), "\(result.errors)")
        let report = try JSONValue.parse(Array(result.output.utf8))
        #expect(report["is_applied"]?.bool == isApplied)
        var outcomes: [String: String] = [:]
        for change in try #require(report["changes"]?.array) {
            outcomes[change["key"]?.string ?? ""] = change["outcome"]?.string
        }
        return outcomes
    }

    @Test func changedKeysAreAppliedOrWaitForARestart() async throws {
        try await Program.with { program in
            try program.write("[SERVER]\nNAME = Before\n", to: "config.ini")
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)

            #expect(try await reload(program).isEmpty)
            try program.write(
                """
                [SERVER]
                NAME = Afterwards
                [SERVER_LIMIT]
                REQUESTS = 7
                [REGISTRATION]
                MODE = closed
                [RATE_LIMIT]
                WRITES = 1/h burst 1
                [SUPERUSER]
                LOGIN = admin
                """, to: "config.ini")
            let first = try await reload(program)
            let second = try await reload(program)

            #expect(
                first == [
                    "SERVER.NAME": "applied", "SERVER_LIMIT.REQUESTS": "restart", "REGISTRATION.MODE": "applied",
                    "RATE_LIMIT.WRITES": "applied", "SUPERUSER.LOGIN": "unused",
                ])
            // What is not in force yet is told again.
            #expect(second == ["SERVER_LIMIT.REQUESTS": "restart", "SUPERUSER.LOGIN": "unused"])
            #expect(try await HTTPClient.get(server.httpURL).text.contains("Afterwards"))
            let client = try await MTPClient.connect(url: server.url)
            #expect(try await client.request(.registerUser(login: "bob", password: "a password")).code == 403)
            // Open connections stay, under the new rates.
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("too much", in: flow) == 429)
            await server.stop()
        }
    }

    @Test func mistakeLeavesTheOldSettingsInForce() async throws {
        try await Program.with { program in
            try program.write("[SERVER]\nNAME = Before\n", to: "config.ini")
            let server = try await program.startServer()

            try program.write("[SERVER]\nNAME = Wrong\n[SESSION]\nTOKEN_TTL = soon\n", to: "config.ini")
            server.process.send(SIGHUP)
            let told = await server.process.errors.line { $0.contains("The settings were refused") }
            let command = try await program.manage("reload")
            let still = try await HTTPClient.get(server.httpURL).text

            #expect(told?.contains("TOKEN_TTL") == true)
            #expect(command.ending == .exited(78) && command.errors.contains("TOKEN_TTL"))
            #expect(still.contains("Before"))

            // What is no key's mistake, but that of a file.
            try program.write("{{#open}}", to: "home.mustache")
            try program.write("[SERVER]\nNAME = Wrong\n[TEMPLATES]\nFOLDER = .\n", to: "config.ini")
            let template = try await program.manage("reload")
            #expect(template.ending == .exited(78) && template.output.contains("home.mustache"))
            #expect(try await HTTPClient.get(server.httpURL).text.contains("Before"))

            try program.write("<h1>Mine {{name}}</h1>", to: "home.mustache")
            try program.write("[SERVER]\nNAME = Right\n[TEMPLATES]\nFOLDER = .\n", to: "config.ini")
            #expect(try await program.run(["mv", "config.ini", "away"]).ending == .exited(0))
            let missing = try await program.manage("reload")
            #expect(missing.ending == .exited(78) && missing.output.contains("config.ini"), "\(missing.output)")
            #expect(try await program.run(["mv", "away", "config.ini"]).ending == .exited(0))
            let line = server.process.errors.lineCount
            server.process.send(SIGHUP)
            #expect(await server.process.errors.line(from: line) { $0.contains("read again") } != nil)
            #expect(try await HTTPClient.get(server.httpURL).text.contains("<h1>Mine Right</h1>"))
            await server.stop()
        }
    }

    /// Every key that is said to be applied, with a value that differs from its default.
    @Test func everyKeyThatCanBeAppliedIs() async throws {
        try await Program.with { program in
            let rates = [
                "WRITES", "READS", "LOGINS", "PROFILE_CHANGES", "ADDRESS_WRITES", "ADDRESS_READS",
                "ADDRESS_REGISTRATIONS", "ADDRESS_LOGINS", "ADDRESS_PROFILE_CHANGES",
            ]
            let text = """
                [SERVER]
                NAME = New
                ORIGINS = https://chat.example.org
                TRUSTED_PROXIES = 10.0.0.1
                FORWARDED_HEADER = Forwarded
                [REGISTRATION]
                MODE = invite
                [SESSION]
                TOKEN_TTL = 5d
                [SERVER_LIMIT]
                BACKLOG = 5
                [LOGGING]
                LEVEL = 10
                FOLDER = elsewhere
                FORMAT = json
                EXPIRATION_DATE = 5
                DEBUG_EXPIRATION_DATE = 6
                DEBUG = {message}
                ERROR = {message}
                INFO = {message}
                [TEMPLATES]
                FOLDER = templates
                [RATE_LIMIT]
                ENABLED = off
                FLOWS = 5
                PUBLIC_FLOWS = 5
                BYTES = 1 GiB
                """ + rates.map { "\n\($0) = 7/s burst 70" }.joined() + "\n"
            let server = try await program.startServer()
            try program.write(text, to: "config.ini")

            let outcomes = try await reload(program)

            #expect(Set(outcomes.values) == ["applied"], "\(outcomes)")
            // All but the two of TLS, which begins with the server.
            #expect(outcomes.count == 29, "\(outcomes.keys.sorted())")
            #expect(program.names(in: "elsewhere").contains("debug.log"))
            await server.stop()
        }
    }

    @Test func renewedCertificateIsShownWithoutARestart() async throws {
        try await Program.with { program in
            let certificates = try await Certificates(in: program)
            for name in ["certificate.pem", "key.pem"] {
                let from = name == "key.pem" ? certificates.server.key : certificates.server.certificate
                #expect(try await program.run(["cp", from, name]).ending == .exited(0))
            }
            try program.write("[TLS]\nKEY_FILE = key.pem\nCERT_FILE = certificate.pem\n", to: "config.ini")
            let server = try await program.startServer()
            let place = server.httpURL.split(separator: "/")[1]
            func shown() async throws -> String {
                let command = "openssl s_client -connect \(place) </dev/null 2>/dev/null | openssl x509 -noout -subject"
                return try await program.run(["sh", "-c", command]).output
            }

            let before = try await shown()
            #expect(
                try await program.run(["cp", certificates.client.certificate, "certificate.pem"]).ending == .exited(0))
            let mismatch = try await program.manage("reload")
            let between = try await shown()
            #expect(try await program.run(["cp", certificates.client.key, "key.pem"]).ending == .exited(0))
            let renewed = try await program.manage("reload")

            #expect(before.contains("server") && between == before)
            #expect(mismatch.ending == .exited(78) && mismatch.output.contains("key.pem"))
            #expect(renewed.ending == .exited(0) && renewed.output.contains("certificate"), "\(renewed.output)")
            #expect(try await shown().contains("client"))
            await server.stop()
        }
    }

    @Test func rotatedLogFileIsOpenedAgain() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            #expect(try await program.run(["mv", "log/error.log", "log/error.old"]).ending == .exited(0))

            let reloaded = try await program.manage("reload")

            #expect(reloaded.ending == .exited(0) && reloaded.output.contains("Read again: log"), "\(reloaded.output)")
            #expect(program.names(in: "log").contains("error.log"))
            await server.stop()
        }
    }

    @Test func logIsWatchedAndItsLevelChanged() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let tail = try await program.start([
                Program.path, "log", "tail", "--follow", "--level", "debug", "--json", "--last", "500",
            ])
            #expect(await tail.output.line { $0.contains("The server is running") } != nil)
            let client = try await MTPClient.connect(url: server.url)
            _ = try await Person("alice", on: server)
            _ = try await client.request(.authentication(login: "alice", password: "wrong"))

            let seen = try #require(await tail.output.line { $0.contains("Wrong password") })
            tail.send(SIGINT)
            #expect(await tail.ended() == .exited(130))
            let record = try JSONValue.parse(Array(seen.utf8))
            #expect(record["level"]?.string == "DEBUG" && record["module"]?.string == "Chat.Chat+Accounts")
            #expect(record["metadata"]?["protocol"]?.string == "mtp")
            #expect(!server.process.errors.text.contains("Wrong password"))

            #expect(try await program.manage("log", "level").output == "info\n")
            #expect(try await program.manage("log", "level", "Chat", "debug").output.contains("chat"))
            _ = try await client.request(.authentication(login: "alice", password: "wrong"))
            #expect(await server.process.errors.line { $0.contains("Wrong password") } != nil)
            #expect(try await program.manage("log", "level", "chat").output == "debug\n")
            #expect(try await program.manage("log", "level", "Chat", "default").output == "info\n")
            #expect(try await program.manage("log", "level", "error").output == "error\n")
            #expect(try await program.manage("log", "level", "a b", "debug").ending == .exited(64))
            await server.stop()
            #expect(try await program.manage("log", "level").ending == .exited(69))
            #expect(try await program.manage("reload").ending == .exited(69))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import MTP
import TestClient
import Testing

/// What people met who used the program: statuses, waiting, and what another user of the machine is told.
@Suite(.timeLimit(.minutes(10)))
struct FoundByUsingTests {
    @Test func mistakeInTheSettingsIsWaitedOut() async throws {
        try await Program.with { program in
            try program.write("[SERVER]\nNAME = Before\n", to: "config.ini")
            let server = try await program.startServerOnKnownPort("--reload")
            let firstLine = server.process.output.lineCount

            try program.write("[SERVER]\nNAME = Wrong\n[DATABASE]\nURI = mysql://h/x\n", to: "config.ini")
            let told = await server.process.errors.line { $0.contains("Not starting again") }
            let still = try await HTTPClient.get(server.httpURL).text
            try program.write("[SERVER]\nNAME = Afterwards\n", to: "config.ini")
            let address = await RunningServer.announced("Home page", server.process, from: firstLine)

            #expect(told?.contains("mysql") == true)
            #expect(still.contains("Before"))
            #expect(address == server.httpURL)
            #expect(try await HTTPClient.get(server.httpURL).text.contains("Afterwards"))
            await server.stop()
        }
    }

    @Test func drainedServerSaysSoAtOnce() async throws {
        try await Program.with { program in
            program["PARLEY_CLUSTER_NODE"] = "alpha"
            let server = try await program.startServer()
            #expect(try await HTTPClient.get(server.httpURL + "readyz").status == 200)

            let drained = try await program.manage("node", "drain", "alpha")
            let draining = try await HTTPClient.get(server.httpURL + "readyz")
            let resumed = try await program.manage("node", "resume", "alpha")
            let serving = try await HTTPClient.get(server.httpURL + "readyz")

            #expect(drained.ending == .exited(0) && resumed.ending == .exited(0), "\(drained.errors)")
            #expect(draining.status == 503)
            #expect(serving.status == 200)
            await server.stop()
        }
    }

    /// People on skaro cannot log in after the key file was lost, or with that of another server in its place; `doctor`
    /// finds it, they are told what helps, and it does.
    @Test(arguments: ["MTP", "messenger"], [false, true])
    func aLoginOverAnotherProtocolHealsWhatTheKeyFileDoesNotOpen(name: String, isForeign: Bool) async throws {
        try await Program.with { program in
            let password = "a password"
            let before = try await program.startServer()
            _ = try await Person("alice", on: before, password: password)
            try await before.skaro().authorize(login: "alice", password: password)
            await before.stop()
            if isForeign {
                program["PARLEY_DATABASE_URI"] = "sqlite:other.db"
                program["PARLEY_SECRETS_KEY_FILE"] = "other.key"
                try await program.startServer().stop()
                program["PARLEY_DATABASE_URI"] = nil
                program["PARLEY_SECRETS_KEY_FILE"] = nil
                #expect(try await program.run(["cp", "-p", "other.key", "run/secret.key"]).ending == .exited(0))
            } else {
                try FileManager.default.removeItem(atPath: program.path("run/secret.key"))
            }
            let found = try await program.manage("doctor")
            let server = try await program.startServer()
            let skaro = try await server.skaro()

            let denial = await #expect(throws: SkaroDenial.self) {
                try await skaro.authorize(login: "alice", password: password)
            }
            if name == "MTP" {
                let client = try await MTPClient.connect(url: server.url)
                let answer = try await client.request(.authentication(login: "alice", password: password))
                #expect(answer.code == 200)
            } else {
                try await server.messenger().logIn("alice", password: password)
            }
            let session = try await skaro.authorize(login: "alice", password: password)
            await server.stop()
            let healed = try await program.manage("doctor")

            #expect(found.ending == .exited(3), "\(found.errors)")
            let words =
                isForeign
                ? "does not open the secrets of 1 of 1 accounts: they cannot log in over skaro."
                : "is missing, and the database holds secrets sealed with it."
            #expect(found.output.contains(words), "\(found.output)")
            #expect(denial?.status.hasPrefix("401 ") == true)
            #expect(denial?.info?.contains("log in once with a client of another protocol") == true)
            #expect(server.process.errors.text.contains("A sealed secret cannot be opened"))
            #expect(!before.process.errors.text.contains("another one is made"))
            #expect(server.process.errors.text.contains("another one is made") == !isForeign)
            #expect(!session.isEmpty)
            #expect(healed.output.contains("secrets: The key file"), "\(healed.output)")
            #expect(!healed.output.contains("does not open the secrets"), "\(healed.output)")
        }
    }

    @Test func outputThatNobodyReadsIsNoFailure() async throws {
        try await Program.with { program in
            let server = try await program.startServer()

            let result = try await program.run([
                "bash", "-c",
                "set -o pipefail; for i in 1 2 3; do \(Program.path) testclient send | true || exit; done",
            ])

            #expect(result.ending == .exited(0), "\(result.errors)")
            await server.stop()
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func databaseOfAnotherUserIsARefusal() async throws {
        try await Program.with { program in
            #expect(try await program.manage("db", "create").ending == .exited(0))
            for words in [["chmod", "755", "."], ["cp", Program.path, "manage"]] {
                #expect(try await program.run(words).ending == .exited(0))
            }

            for words in [["user", "list"], ["runserver"]] {
                let result = try await program.run(
                    ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "./manage"] + words)

                #expect(result.ending == .exited(4), "\(result.errors)")
                #expect(result.errors.contains("db_sqlite.db"))
                #expect(words == ["user", "list"] || result.errorLines.count == 1, "\(result.errors)")
            }
        }
    }

    @Test(.enabled(if: Engine.available.contains(.postgres))) func passwordOfPostgresMayStandInAFile() async throws {
        try await Program.with { program in
            try await Engine.postgres.prepare(program) {
                let given = try #require(program["PARLEY_DATABASE_URI"].flatMap { URLComponents(string: $0) })
                for name in ["PARLEY_DATABASE_URI", "PGPASSWORD"] { program[name] = nil }
                var address = given
                address.password = nil
                let place = [
                    given.host ?? "", "\(given.port ?? 5432)", String(given.path.dropFirst()), given.user ?? "",
                    given.password ?? "",
                ]
                try program.write(place.joined(separator: ":") + "\n", to: "passwords", mode: 0o600)

                let refused = try await program.manage("config", "set", "DATABASE.URI", given.string ?? "")
                let plain = try await program.manage("config", "set", "DATABASE.URI", address.string ?? "")
                program["PGPASSFILE"] = program.path("passwords")
                let withFile = try await program.manage("db", "status")
                program["PGPASSFILE"] = nil
                let piped = try await program.manage(
                    "config", "set", "DATABASE.URI", "--value-stdin", input: "\(given.string ?? "")\n")
                let withValue = try await program.manage("db", "status")

                #expect(refused.ending == .exited(64))
                #expect(refused.errors.contains("--value-stdin") && refused.errors.contains(".pgpass"))
                #expect(!refused.errors.contains(given.password ?? "?"))
                for result in [plain, withFile, piped, withValue] {
                    #expect(result.ending == .exited(0), "\(result.errors)")
                }
                // For what follows, as it was.
                program["PGPASSWORD"] = given.password
            }
        }
    }
}

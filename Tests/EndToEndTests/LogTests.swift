// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import FoundationEssentials
import JSON
import MTP
import TestClient
import Testing

/// What a server's log says, and what it must not say.
@Suite(.timeLimit(.minutes(10)))
struct LogTests {
    @Test(arguments: ["info", "trace"])
    func noSecretIsInTheLogOrTheDatabase(level: String) async throws {
        try await Program.with { program in
            let server = try await program.startServer("--log-level", level)
            let alice = try await Person("alice", on: server, password: "pass-of-alice")
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("text-of-alice", in: flow) == 200)
            let refused = try await alice.client.request(.authentication(login: "alice", password: "wrong-word"))
            #expect(refused.code == 401)
            let broken = Array(#"{"type": "text-of-broken", "auth_id": "token-of-broken", "password": "#.utf8)
            #expect(try await alice.client.request(frame: broken).code == 415)
            let made = try await program.manage(
                "user", "create", "--login", "bob", "--password-stdin", input: "pass-of-bob\n")
            #expect(made.ending == .exited(0))
            let messenger = try await server.messenger()
            try await messenger.signUp(login: "carol", password: "pass-of-carol")
            try await messenger.logIn("carol", password: "pass-of-carol")
            try await messenger.send("text-of-carol", to: "alice")
            let skaro = try await server.skaro()
            try await skaro.register(login: "dave", password: "pass-of-dave")
            let session = try await skaro.authorize(login: "dave", password: "pass-of-dave")
            // Answered after what came before it is in the log.
            try await skaro.send("text-of-dave", to: "carol")
            _ = try await messenger.contacts()
            let page = try await RawConnection(to: server)
            #expect(try await page.get("/livez?auth_id=token-in-query") == "HTTP/1.1 200 OK\r")
            await page.close()
            await server.stop()

            let (written, stored) = try Self.texts(of: server, in: program)
            let secrets = [
                "pass-of-alice", "pass-of-bob", "pass-of-carol", "pass-of-dave", "wrong-word", alice.credentials.authID,
                session,
            ]
            for secret in secrets {
                #expect(!written.contains(secret))
                #expect(!stored.contains(secret))
            }
            #expect(!written.contains("token-of-broken") && !written.contains("token-in-query"))
            #expect(!written.contains("text-of-"))
            // The shape of a frame, and those of the protocols that are not JSON.
            for words in ["{type: send_message, ", "Frame received", "Frame sent", "protocol=skaro"] {
                #expect(written.contains(words) == (level == "trace"), "\(words)")
            }
            // Otherwise the test would have looked in the wrong place.
            #expect(written.contains("The server is running"))
            for name in ["alice", "carol", "dave"] { #expect(stored.contains("text-of-\(name)")) }
            #expect(program.names(in: "log") == (level == "info" ? ["error.log"] : ["debug.log", "error.log"]))
        }
    }

    /// On a server of their own: the frames in the log are those of this protocol, and say nothing of what people
    /// wrote.
    @Test func framesOfMessengerAreInTheTrace() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--log-level", "trace")
            let client = try await server.messenger()
            for login in ["8", "7"] { try await client.signUp(login: login, password: "pass-of-\(login)") }
            await #expect(throws: (any Error).self) { try await client.logIn("8", password: "guess-of-8") }
            try await client.logIn("7", password: "pass-of-7")
            try await client.send("text-of-7", to: "8")
            // Answered after what came before it is in the log.
            _ = try await client.contacts()
            await server.stop()

            let (written, stored) = try Self.texts(of: server, in: program)
            Self.expectFrames(of: "messenger", ["sign_up", "log_in", "send", "contacts"], in: written)
            for secret in ["pass-of-7", "pass-of-8", "guess-of-8", "text-of-7", "$argon2"] {
                #expect(!written.contains(secret), "\(secret)")
            }
            // Otherwise these are not the words to look for.
            #expect(stored.contains("text-of-7") && stored.contains("$argon2"))
        }
    }

    /// A client would encrypt what is written to words that no test knows: these are sent as they are.
    @Test func framesOfFastChatAreInTheTrace() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--log-level", "trace")
            let port = try await server.port(of: "FastChat")
            let sign = try await program.fastChatSign(port: port)
            let key = try RSAPrivateKey(newBits: 1024)
            let (seven, eight) = (FastChatUserNumber(7), FastChatUserNumber(8))
            let reader = try await FastChatClient.connect(host: "127.0.0.1", port: port)
            try await reader.register(eight, password: "pass-of-8", key: key, sign: sign)
            let writer = try await FastChatClient.connect(host: "127.0.0.1", port: port)
            try await writer.register(seven, password: "pass-of-7", key: key, sign: sign)
            let stranger = try await FastChatClient.connect(host: "127.0.0.1", port: port)
            await #expect(throws: FastChatClientFailure.refused(FastChatReply.logInFailed.message)) {
                try await stranger.logIn(eight, password: "guess-of-8", key: key, sign: sign)
            }
            let header = FastChatHeader(kind: .text, sender: seven, time: "time-of-7")
            let copy = FastChatCopy(recipient: eight, body: JSONText("body-of-7"), key: JSONText("key-of-7"))
            try await writer.send(.direct(FastChatMessage(header, copy)))
            let event = await reader.events.first { if case .message = $0 { true } else { false } }
            // Answered after what came before it is in the log.
            #expect(try await writer.key(of: eight) == key.publicKey)
            await server.stop()

            #expect(event != nil)
            let (written, stored) = try Self.texts(of: server, in: program)
            Self.expectFrames(of: "fastchat", ["new", "login", "message", "keys"], in: written)
            let line = try #require(key.publicKey.pem.split(separator: "\n").dropFirst().first)
            let secrets = [
                "pass-of-7", "pass-of-8", "guess-of-8", "body-of-7", "key-of-7", "time-of-7", sign, String(line),
                "$argon2",
            ]
            for secret in secrets { #expect(!written.contains(secret), "\(secret)") }
            // Names of members are those of whole frames.
            for name in ["public_key", "server_message"] { #expect(!written.contains(name), "\(name)") }
            for secret in ["body-of-7", "key-of-7", "time-of-7", "$argon2"] {
                #expect(stored.contains(secret), "\(secret)")
            }
        }
    }

    /// All that a server wrote into its log before it stopped, and its database.
    private static func texts(of server: RunningServer, in program: Program) throws -> (log: String, database: String) {
        var log = server.process.errors.text + server.process.output.text
        for name in program.names(in: "log") { log += try program.read("log/\(name)") }
        let database = try program.names(in: ".").filter { $0.hasPrefix("db_sqlite.db") }.map(program.read).joined()
        return (log, database)
    }

    /// Expects that a log has frames in both directions, and which requests of a protocol they were.
    private static func expectFrames(of name: String, _ commands: [String], in log: String) {
        for words in ["Frame received", "Frame sent", "protocol=\(name)"] { #expect(log.contains(words), "\(words)") }
        for command in commands { #expect(log.contains(" command=\(command) "), "\(command)") }
    }

    @Test(arguments: [nil, "on"]) func requestsHaveLinesAlsoThoseForAWebSocket(disabled: String?) async throws {
        try await Program.with { program in
            program["PARLEY_LOGGING_UVICORN_LOGGING_DISABLE"] = disabled
            let server = try await program.startServer()
            _ = try await Person("alice", on: server).ping()
            await (try await server.skaro()).close()
            #expect(try await HTTPClient.get(server.httpURL).status == 200)
            await server.stop()

            for line in ["GET /ws 101", "GET /skaro 101", "GET / 200"] {
                #expect(server.process.errors.text.contains(line) == (disabled == nil), "\(server.process.errors.text)")
            }
        }
    }

    @Test func linesForProgramsAreJSON() async throws {
        try await Program.with { program in
            let server = try await program.startServer("--log-format", "json")
            await server.stop()

            let lines = server.process.errors.text.split(separator: "\n")
            let messages = try lines.map { try JSONValue.parse(Array($0.utf8))["message"]?.string }
            #expect(messages.contains("The server is running"))
            #expect(messages.last == "The server has stopped")
        }
    }

    @Test func linesAreColouredOnlyWhenAsked() async throws {
        try await Program.with { program in
            let plain = try await program.startServer()
            await plain.stop()
            let coloured = try await program.startServer("--use-colors")
            await coloured.stop()

            #expect(!plain.process.errors.text.contains("\u{1B}["))
            #expect(coloured.process.errors.text.contains("\u{1B}["))
        }
    }

    @Test func levelChoosesWhatIsLogged() async throws {
        try await Program.with { program in
            let quiet = try await program.startServer("--log-level", "critical")
            await quiet.stop()
            let loud = try await program.startServer("--log-level", "debug")
            await loud.stop()

            #expect(quiet.process.errors.text == "")
            #expect(loud.process.errors.text.contains("The server has stopped"))
            #expect(try program.read("log/debug.log").contains("The server has stopped"))
        }
    }
}

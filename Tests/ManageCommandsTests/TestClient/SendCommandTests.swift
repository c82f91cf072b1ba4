// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@testable import ManageCommands

@Suite(.timeLimit(.minutes(10))) struct SendCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// An answer of the protocol to any request.
    private static func answer(_ type: String, _ code: Int, data: String = "null", meta: String = "null") -> String {
        """
        {"type":"\(type)","data":\(data),"errors":{"code":\(code),"status":"Word","time":1,"detail":"Words."},\
        "jsonapi":{"version":"1.0","revision":"17"},"meta":\(meta)}
        """
    }

    private static func type(of frame: String) -> String {
        (try? JSONValue.parse(Array(frame.utf8)))?["type"]?.string ?? ""
    }

    /// Logs anybody in, and answers everything else with a code.
    private static func logsIn(
        then code: Int = 200
    ) -> @Sendable (String) -> [String] {
        { frame in
            let type = type(of: frame)
            guard type == "authentication" else { return [answer(type, code)] }
            return [answer(type, 200, data: #"{"user":[{"uuid":"7","auth_id":"t0ken","token_ttl":60}]}"#)]
        }
    }

    /// Refuses everybody with a code.
    private static func refuses(_ code: Int) -> @Sendable (String) -> [String] {
        { [answer(type(of: $0), code)] }
    }

    private func parsed(_ text: String?) throws -> JSONValue { try JSONValue.parse(Array(try #require(text).utf8)) }

    @Test(arguments: [
        (200, CommandStatus.done), (206, .done), (201, .done), (401, .refused), (403, .refused), (404, .notFound),
        (409, .exists), (400, .failed), (429, .failed), (503, .failed), (520, .failed),
    ]) func codeOfTheAnswerDecidesTheStatus(code: Int, status: CommandStatus) async throws {
        try await ScriptedServer.run(answers: ScriptedServer.always(Self.answer("ping_pong", code))) { server in
            let result = try await run(
                "testclient", "send", "-t", "ping_pong", "-a", server.url(), "--uuid", "7", "--auth-id-stdin", "-q",
                input: "t0ken\n")

            #expect(result.status == status)
            #expect(result.output == Self.answer("ping_pong", code) + "\n")
            #expect(result.errors == "")
            let frame = try parsed(server.received.first)
            #expect(frame["type"]?.string == "ping_pong")
            #expect(frame["data"]?["user"]?.array?[0]["uuid"]?.string == "7")
            #expect(frame["data"]?["user"]?.array?[0]["auth_id"]?.string == "t0ken")
        }
    }

    @Test func bareSendIsTheHealthCheck() async throws {
        #expect(try await run("db", "create").status == .done)
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let result = try await run(
                "testclient", "send", environment: ["PARLEY_SERVER_PORT": "\(server.port)"])

            #expect(result.status == .done)
            #expect(result.output == Self.answer("send_message", 200) + "\n")
            #expect(result.errors.contains("200 Word after "))
            #expect(server.received.count == 1)
            let data = try parsed(server.received.first)["data"]
            let bot = try #require(data?["user"]?.array?[0])
            #expect(bot["auth_id"]?.string?.isEmpty == false)
            #expect(data?["flow"]?.array?[0]["uuid"]?.string?.isEmpty == false)
            #expect(data?["message"]?.array?[0]["text"]?.string == "Health check")
            #expect(!result.errors.contains(bot["auth_id"]?.string ?? "?"))
        }
    }

    @Test func unreachableServerEndsWith69BeforeTheStoreIsTouched() async throws {
        let port = try await ScriptedServer.run(answers: ScriptedServer.always()) { $0.port }

        let send = try await run("testclient", "send", "-q", environment: ["PARLEY_SERVER_PORT": "\(port)"])
        let ping = try await run("testclient", "ping", "-q", environment: ["PARLEY_SERVER_PORT": "\(port)"])
        let session = try await run("testclient", "session", "-q", environment: ["PARLEY_SERVER_PORT": "\(port)"])

        for result in [send, ping, session] {
            #expect(result.status == .unavailable)
            #expect(result.output == "")
            #expect(
                result.errors
                    == "Error: Nothing listens on 127.0.0.1:\(port). Start the server with 'manage runserver'.\n")
        }
        #expect(run.names().isEmpty)
    }

    @Test func serverThatNeverAnswersEndsWith69() async throws {
        try await ScriptedServer.run(answers: ScriptedServer.always()) { server in
            let result = try await run(
                "testclient", "send", "--raw", "{}", "-a", server.url(), "--timeout", "1", "-q")

            #expect(result.status == .unavailable)
            #expect(result.errors.contains("did not answer within 1 s."))
        }
    }

    @Test func botIsNotGivenToAnotherServer() async throws {
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let result = try await run("testclient", "send", "-a", server.url())

            #expect(result.status == .usage)
            #expect(result.errors.contains("--login"))
            #expect(server.received.isEmpty)
        }
    }

    @Test func loginIsTradedForASession() async throws {
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let result = try await run(
                "testclient", "send", "-a", server.url(), "--login", "alice", "--password-stdin", "--flow", "99",
                "--text", "Hello", "--set", "data.message.0.client_id=5", input: "hunter2\n")

            #expect(result.status == .done)
            #expect(server.received.count == 2)
            let logIn = try parsed(server.received.first)["data"]?["user"]?.array?[0]
            #expect(logIn?["login"]?.string == "alice")
            #expect(logIn?["password"]?.string == "hunter2")
            let data = try parsed(server.received.last)["data"]
            #expect(data?["user"]?.array?[0]["auth_id"]?.string == "t0ken")
            #expect(data?["user"]?.array?[0]["password"] == nil)
            #expect(data?["flow"]?.array?[0]["uuid"]?.string == "99")
            #expect(data?["message"]?.array?[0]["client_id"]?.int == 5)
            #expect(data?["message"]?.array?[0]["text"]?.string == "Hello")
            #expect(!(result.output + result.errors).contains("hunter2"))
        }
    }

    @Test func titleOfAnotherServersFlowIsLookedUpThere() async throws {
        let flows =
            #"{"flow":[{"uuid":"77","title":"Team"},{"uuid":"78","title":"Twin"},{"uuid":"79","title":"Twin"}]}"#
        let answers: @Sendable (String) -> [String] = { frame in
            let type = Self.type(of: frame)
            return type == "all_flow" ? [Self.answer(type, 200, data: flows)] : Self.logsIn()(frame)
        }
        try await ScriptedServer.run(answers: answers) { server in
            for (name, status) in [("Team", CommandStatus.done), ("Twin", .usage), ("Nowhere", .notFound)] {
                let result = try await run(
                    "testclient", "send", "-a", server.url(), "--login", "alice", "--password-stdin", "--flow", name,
                    "--text", "Hello", input: "hunter2\n")
                #expect(result.status == status, "\(result.errors)")
            }

            let sent = try server.received.map { try parsed($0) }.filter { $0["type"]?.string == "send_message" }
            #expect(sent.map { $0["data"]?["flow"]?.array?[0]["uuid"]?.string } == ["77"])
        }
    }

    @Test(arguments: [(401, CommandStatus.refused), (404, .notFound), (503, .failed)])
    func refusedLogInIsAnError(code: Int, status: CommandStatus) async throws {
        try await ScriptedServer.run(answers: Self.refuses(code)) { server in
            let result = try await run(
                "testclient", "send", "-t", "all_flow", "-a", server.url(), "--login", "alice", "--password-stdin",
                "-q", input: "x\n")

            #expect(result.status == status)
            #expect(result.output == "")
            let words = "The server refused the login of 'alice': The server answered \(code) Word: Words."
            #expect(result.errors == "Error: \(words)\n")
            #expect(server.received.count == 1)
        }
    }

    @Test func methodsThatNameAnAccountSendItsPassword() async throws {
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            for (method, frames) in [("register_user", 1), ("authentication", 1), ("delete_user", 2)] {
                let before = server.received.count
                let result = try await run(
                    "testclient", "send", "-t", method, "-a", server.url(), "--login", "bob", "--password-stdin",
                    input: "pw\n")

                #expect(result.status == .done)
                #expect(server.received.count - before == frames)
                let user = try parsed(server.received.last)["data"]?["user"]?.array?[0]
                #expect(user?["login"]?.string == "bob")
                #expect(user?["password"]?.string == "pw")
                #expect(user?["auth_id"]?.string == (frames == 2 ? "t0ken" : nil))
            }
        }
    }

    @Test func filesTravelInBase64() async throws {
        try run.write("\u{1}ab", to: "a.bin")
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let result = try await run(
                "testclient", "send", "-a", server.url(), "--uuid", "7", "--auth-id-stdin", "--flow", "9", "--file",
                "picture=a.bin", "--file", "document=\(run.path("a.bin"))", input: "t")

            #expect(result.status == .done)
            let message = try parsed(server.received.last)["data"]?["message"]?.array?[0]
            #expect(message?["file_picture"]?.string == "AWFi")
            #expect(message?["file_document"]?.string == "AWFi")
            #expect(message?["text"] == nil)
        }
        let missing = try await run(
            "testclient", "send", "-a", "ws://127.0.0.1:1/ws", "--uuid", "7", "--auth-id-stdin", "--flow", "9",
            "--file", "picture=none", input: "t")
        #expect(missing.status == .notFound)
        #expect(missing.errors.contains("'none'"))
    }

    @Test func rawRequestIsSentAsItIs() async throws {
        try await ScriptedServer.run(answers: ScriptedServer.always(Self.answer("error", 415))) { server in
            let given = try await run("testclient", "send", "-a", server.url(), "--raw", "{ no json")
            let piped = try await run("testclient", "send", "-a", server.url(), "--raw", "-", input: " [1]\n")

            #expect(given.status == .failed)
            #expect(piped.status == .failed)
            #expect(server.received == ["{ no json", " [1]\n"])
        }
    }

    @Test func pushesBeforeTheAnswerArePassedOver() async throws {
        let push = Self.answer("get_update", 200, meta: #"{"push":true,"since":"x"}"#)
        try await ScriptedServer.run(answers: ScriptedServer.always(push, push, Self.answer("ping_pong", 200))) {
            server in
            let result = try await run("testclient", "send", "-a", server.url(), "--raw", "{}", "-q")

            #expect(result.output == Self.answer("ping_pong", 200) + "\n")
        }
    }

    @Test func answerOnATerminalIsSetForPeople() async throws {
        try await ScriptedServer.run(answers: ScriptedServer.always(Self.answer("ping_pong", 200))) { server in
            let words = ["testclient", "send", "-a", server.url(), "--raw", "{}"]
            let coloured = try await run.run(words, isTerminal: true)
            let colourless = try await run.run(words, environment: ["NO_COLOR": "1"], isTerminal: true)
            let json = try await run.run(words + ["--json"], isTerminal: true)

            #expect(coloured.output.hasPrefix("{\n  \u{1B}[36m\"type\"\u{1B}[0m: \u{1B}[32m\"ping_pong\"\u{1B}[0m,\n"))
            #expect(colourless.output.hasPrefix("{\n  \"type\": \"ping_pong\",\n"))
            #expect(json.output == Self.answer("ping_pong", 200) + "\n")
        }
    }

    @Test(arguments: ["no json", "[]", "{}", #"{"type":1}"#]) func answerOfSomethingElseIsAFailure(
        _ text: String
    ) async throws {
        try await ScriptedServer.run(answers: ScriptedServer.always(text)) { server in
            let result = try await run("testclient", "send", "-a", server.url(), "--raw", "{}")

            #expect(result.status == .failed)
            #expect(result.output == text + "\n")
            #expect(result.errors.contains("is not MTP"))
        }
    }

    @Test func secretsOnTheCommandLineAreRefusedOrWarnedOf() async throws {
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let set = try await run(
                "testclient", "send", "-a", server.url(), "--login", "a", "--password-stdin", "--set",
                "data.user.0.password=hunter2", input: "x")
            let authID = try await run(
                "testclient", "send", "-t", "ping_pong", "-a", server.url(), "--uuid", "7", "--auth-id", "hunter2")
            let raw = try await run(
                "testclient", "send", "-a", server.url(), "--raw", #"{"data":{"user":[{"auth_id":"hunter2"}]}}"#)

            #expect(set.status == .usage)
            #expect(authID.status == .done)
            #expect(authID.errors.contains("Warning: The auth_id on the command line"))
            #expect(raw.errors.contains("Warning: The secrets on the command line"))
            for result in [set, authID, raw] { #expect(!result.errors.contains("hunter2")) }
        }
    }

    @Test(arguments: [
        ["-t", "nosuch"], ["--file", "x=y"], ["--file", "picture=a", "--file", "picture=b"], ["--set", "x"],
        ["--raw", "{}", "--text", "x"], ["--raw", "{}", "--login", "a"], ["--login", "a", "--uuid", "b"],
        ["--uuid", "b"], ["--auth-id", "b"], ["--password-stdin"], ["-t", "register_user"], ["-t", "delete_user"],
        ["-a", "http://x/"], ["-a", "ws://u:p@h/"], ["--timeout", "0"], ["--insecure", "--ca-file", "x"],
        ["--login", "a", "--password-stdin", "--password-file", "x"],
        ["--uuid", "b", "--auth-id-stdin", "--auth-id", "c"],
    ]) func wrongUseEndsWith64(_ words: [String]) async throws {
        let result = try await run.run(["testclient", "send"] + words)

        #expect(result.status == .usage)
        #expect(result.output == "")
        #expect(!result.errors.contains("u:p"))
    }

    @Test func methodWithoutItsFlowSaysSo() async throws {
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let result = try await run(
                "testclient", "send", "-t", "all_messages", "-a", server.url(), "--uuid", "7", "--auth-id-stdin",
                input: "t")

            #expect(result.status == .usage)
            #expect(result.errors.contains("--flow FLOW"))
        }
    }

    @Test func pingTellsCodeAndTime() async throws {
        try await ScriptedServer.run(answers: Self.logsIn()) { server in
            let words = ["testclient", "ping", "-a", server.url(), "--uuid", "7", "--auth-id-stdin"]
            let text = try await run.run(words, input: "t")
            let json = try await run.run(words + ["--json"], input: "t")

            #expect(text.status == .done)
            #expect(text.output.hasPrefix("200 Word from \(server.url()) after "))
            let report = try parsed(json.output)
            #expect(report["version"]?.int == 1)
            #expect(report["address"]?.string == server.url())
            #expect(report["code"]?.int == 200)
            #expect((report["milliseconds"]?.double ?? 0) > 0)
        }
    }
}

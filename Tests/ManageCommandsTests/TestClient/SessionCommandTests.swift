// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import TestSupport
import Testing

@testable import ManageCommands

@Suite(.timeLimit(.minutes(10))) struct SessionCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// A server for one walk: the user is 7, the flow 9, the message 11.
    private static func answer(_ request: MTPRequest) -> MTPResponse {
        let edited = "An edited message of 'manage testclient session'."
        let sent = request.data.message?.first
        let text = "A message of 'manage testclient session'."
        let session = MTPData(user: [UserObject(uuid: "7", authID: "t0ken", tokenTTL: 60)])
        let (status, data): (MTPStatus, MTPData?) =
            switch request.method {
            case .registerUser: (.created, session)
            case .authentication: (.ok, session)
            case .userInfo: (.ok, MTPData(user: [UserObject(uuid: "7")]))
            case .addFlow: (.ok, MTPData(flow: [FlowObject(uuid: "9")]))
            case .allFlow: (.ok, MTPData(flow: [FlowObject(uuid: "8"), FlowObject(uuid: "9")]))
            case .sendMessage: (.ok, MTPData(message: [MessageObject(uuid: "11", clientID: sent?.clientID)]))
            case .allMessages: (.ok, MTPData(message: [MessageObject(uuid: "11", text: JSONText(text))]))
            case .getUpdate: (.ok, MTPData(message: [MessageObject(uuid: "11", text: JSONText(edited))]))
            case .pingPong, .editedMessage, .deleteMessage, .deleteUser: (.ok, nil)
            case nil: (.methodNotAllowed, nil)
            }
        return MTPResponse(type: request.type, status, time: 1000, data: data)
    }

    /// The server, with other answers for some methods.
    private static func script(
        _ others: [MTPMethod: MTPStatus] = [:], lacking: Set<MTPMethod> = []
    ) -> @Sendable (String) -> [String] {
        { frame in
            guard let request = try? MTPRequest(decoding: ByteBuffer(string: frame)) else { return [] }
            var response = answer(request)
            if let method = request.method {
                if let status = others[method] { response = MTPResponse(type: request.type, status, time: 1000) }
                if lacking.contains(method) { response.data = MTPData() }
            }
            return [String(decoding: response.encoded(), as: UTF8.self)]
        }
    }

    private func walk(
        _ server: ScriptedServer, _ words: String..., input: String = ""
    ) async throws -> (result: CommandRun.Result, steps: [String: (outcome: String, code: Int64?)]) {
        let result = try await run.run(
            ["testclient", "session", "-a", server.url(), "--json"] + words, input: input)
        var steps: [String: (outcome: String, code: Int64?)] = [:]
        guard let report = try? JSONValue.parse(Array(result.output.utf8)) else { return (result, steps) }
        for step in try #require(report["steps"]?.array) {
            steps[step["method"]?.string ?? ""] = (step["outcome"]?.string ?? "", step["code"]?.int)
        }
        return (result, steps)
    }

    @Test func everyMethodIsWalkedThrough() async throws {
        try await ScriptedServer.run(answers: Self.script()) { server in
            let (result, steps) = try await walk(server)

            #expect(result.status == .done)
            #expect(Set(steps.keys) == Set(MTPMethod.allCases.map(\.rawValue)))
            #expect(steps.values.allSatisfy { $0.outcome == "passed" })
            #expect(result.errors.contains("manage flow delete 9"))
            let frames = server.received.compactMap { try? MTPRequest(decoding: ByteBuffer(string: $0)) }
            #expect(frames.first?.method == .registerUser)
            #expect(frames.last?.method == .deleteUser)
            #expect(frames.last?.principal?.login == frames.first?.principal?.login)
            #expect(frames.last?.principal?.password == frames.first?.principal?.password)
        }
    }

    @Test func tableShowsMethodsAndTimes() async throws {
        try await ScriptedServer.run(answers: Self.script()) { server in
            let result = try await run("testclient", "session", "-a", server.url())

            let lines = result.output.split(separator: "\n")
            #expect(lines.count == MTPMethod.allCases.count + 2)
            #expect(lines.first?.hasPrefix("METHOD") == true)
            #expect(lines.last == "12 passed, 0 skipped, 0 failed at \(server.url()).")
        }
    }

    @Test func whatDependsOnAFailedStepIsSkippedAndTheUserIsDeletedAllTheSame() async throws {
        try await ScriptedServer.run(answers: Self.script([.sendMessage: .forbidden])) { server in
            let (result, steps) = try await walk(server)

            #expect(result.status == .partlyFailed)
            #expect(steps["send_message"]?.outcome == "failed")
            #expect(steps["send_message"]?.code == 403)
            for method in ["all_messages", "edited_message", "get_update", "delete_message"] {
                #expect(steps[method]?.outcome == "skipped")
            }
            #expect(steps["delete_user"]?.outcome == "passed")
        }
    }

    @Test(arguments: [
        MTPMethod.registerUser, .authentication, .userInfo, .addFlow, .allFlow, .sendMessage, .allMessages, .getUpdate,
    ]) func answerWithoutWhatItShouldHoldIsAFailure(_ method: MTPMethod) async throws {
        try await ScriptedServer.run(answers: Self.script(lacking: [method])) { server in
            let (result, steps) = try await walk(server)

            #expect(result.status == .partlyFailed)
            #expect(steps[method.rawValue]?.outcome == "failed")
        }
    }

    @Test func closedRegistrationSaysHowToGoOn() async throws {
        try await ScriptedServer.run(answers: Self.script([.registerUser: .forbidden])) { server in
            let (result, _) = try await walk(server)

            #expect(result.status == .refused)
            #expect(result.output == "")
            #expect(result.errors.contains("Registration is closed"))
            #expect(result.errors.contains("--login LOGIN"))
            #expect(server.received.count == 1)
        }
    }

    @Test func knownAccountIsNeitherMadeNorDeleted() async throws {
        try await ScriptedServer.run(answers: Self.script([.registerUser: .forbidden])) { server in
            let (result, steps) = try await walk(
                server, "--login", "alice", "--password-stdin", input: "hunter2\n")

            #expect(result.status == .done)
            #expect(steps["register_user"]?.outcome == "skipped")
            #expect(steps["delete_user"]?.outcome == "skipped")
            #expect(!server.received.contains { $0.contains("\"delete_user\"") || $0.contains("register_user") })
            #expect(!(result.output + result.errors).contains("hunter2"))
        }
    }

    @Test func passwordWithoutALoginIsWrongUsage() async throws {
        let result = try await run("testclient", "session", "--password-stdin")

        #expect(result.status == .usage)
    }
}

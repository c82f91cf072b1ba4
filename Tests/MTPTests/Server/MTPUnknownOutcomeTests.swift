// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import MTP
import Storage
import TestClient
import Testing

/// What a client is told of a change of which it is not known whether it was committed.
@Suite(.timeLimit(.minutes(10))) struct MTPUnknownOutcomeTests {
    private func request(_ method: MTPMethod, by alice: MTPPerson, flow: String, message: String) -> MTPRequest {
        let asAlice = alice.credentials
        switch method {
        case .registerUser: return .registerUser(login: "bob", password: MTPPerson.password)
        case .authentication: return .authentication(login: "alice", password: MTPPerson.password)
        case .addFlow: return .addFlow(as: asAlice, type: "group", title: "title")
        case .editedMessage: return .editedMessage(as: asAlice, message: message, text: "edited")
        case .deleteMessage: return .deleteMessage(as: asAlice, flow: flow, message: message)
        case .deleteUser: return .deleteUser(as: asAlice, login: "alice", password: MTPPerson.password)
        case .pingPong:
            var request = MTPRequest.pingPong(as: asAlice)
            request.meta = MTPMeta(endSession: true)
            return request
        default: return alice.message("perhaps", to: flow)
        }
    }

    // spec: MTP, 504
    @Test(arguments: [
        MTPMethod.registerUser, .authentication, .addFlow, .sendMessage, .editedMessage, .deleteMessage, .deleteUser,
        .pingPong,
    ])
    func whatMayHaveBeenDoneIsNotSaidToHaveFailed(_ method: MTPMethod) async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            let message = try await alice.send("text", to: flow)
            let request = request(method, by: alice, flow: flow, message: message)
            // The end of a connection may be written, too.
            server.test.engine.fail(with: Array(repeating: .failBefore(.commitUnknown), count: 20))

            let answer = try await alice.client.request(request)
            server.test.engine.fail(with: [])

            #expect(answer.code == 504 && answer.detail?.contains("not known") == true, "\(answer)")
            #expect(answer.type == request.type)
            #expect(answer.data == nil)
            // None of it was done here: the account, its session and its message are as they were.
            #expect(try await alice.texts(in: flow) == ["text"])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import ChatTesting
import JSON
import MTP
import TestClient
import Testing

/// What a client is told that asks too often.
@Suite(.timeLimit(.minutes(10))) struct MTPRateTests {
    // spec: MTP, 429
    @Test func whatComesTooOftenIsAnsweredWith429() async throws {
        var policy = ChatPolicy()
        policy.rates.account.write = Rate("1/d burst 2")
        policy.rates.account.read = Rate("1/h burst 1")
        try await MTPServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            try await alice.send("hello", to: flow)
            #expect(try await alice.texts(in: flow) == ["hello"])

            let refused: [MTPRequest] = [
                alice.message("again", to: flow), .addFlow(as: alice.credentials, type: "group", title: "x", users: []),
                .allMessages(as: alice.credentials, flow: flow, start: 0, end: 1), .allFlow(as: alice.credentials),
                .userInfo(as: alice.credentials, about: [alice.uuid]),
            ]
            for request in refused {
                let answer = try await alice.client.request(request)
                #expect(answer.code == 429)
                #expect(answer.type == request.type)
                #expect(answer.detail?.contains("Try again in") == true)
            }
            // The connection goes on.
            #expect(try await alice.client.request(.pingPong(as: alice.credentials)).code == 200)
        }
    }

    /// To find out that something is not there costs as much as to find it.
    // spec: MTP, 429
    @Test func requestsForWhatIsNotThereCount() async throws {
        var policy = ChatPolicy()
        policy.rates.account.write = Rate("1/d burst 2")
        policy.rates.account.read = Rate("1/h burst 3")
        try await MTPServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            var codes: [Int] = []
            for _ in 0..<3 { codes.append(try await alice.client.request(alice.message("hello", to: "12345")).code) }
            #expect(codes == [404, 404, 429])

            // The request and the look-up of a login.
            let nobody = MTPRequest.userInfo(as: alice.credentials, login: "nobody")
            #expect(try await alice.client.request(nobody).code == 404)
            #expect(try await alice.client.request(nobody).code == 429)
        }
    }

    @Test func eachLoginThatIsAskedForCounts() async throws {
        var policy = ChatPolicy()
        policy.rates.account.read = Rate("1/h burst 5")
        try await MTPServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            _ = try await server.join("bob")
            func asked(_ users: [UserObject]) -> MTPRequest {
                let own = UserObject(uuid: MTPIdentifier(alice.uuid), authID: JSONText(alice.credentials.authID))
                return MTPRequest(.userInfo, data: MTPData(user: [own] + users))
            }
            let login = UserObject(login: "bob")

            // One and three, and the last is one of those that are named by their uuids.
            #expect(try await alice.client.request(asked([login, login, login])).code != 429)
            #expect(
                try await alice.client.request(
                    .userInfo(as: alice.credentials, about: Array(repeating: alice.uuid, count: 10))
                ).code != 429)
            #expect(try await alice.client.request(asked([login])).code == 429)
        }
    }

    @Test func tooManyLoginsAreAnsweredWith429() async throws {
        var policy = ChatPolicy()
        policy.rates.account.login = Rate("1/d burst 1")
        try await MTPServer.with(policy: policy) { server in
            _ = try await server.join("alice")
            _ = try await server.logIn("alice")

            let client = try await server.connect()
            let answer = try await client.request(.authentication(login: "alice", password: MTPPerson.password))
            #expect(answer.code == 429)
        }
    }

    @Test func quotaIsAnsweredWith403() async throws {
        var policy = ChatPolicy()
        policy.rates.flows = 1
        try await MTPServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            _ = try await alice.createFlow()

            let answer = try await alice.client.request(
                .addFlow(as: alice.credentials, type: "group", title: "x", users: []))
            #expect(answer.code == 403)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import ChatTesting
import Skaro
import TestClient
import Testing

/// What a client is told that asks too often.
@Suite(.timeLimit(.minutes(10))) struct SkaroRateTests {
    @Test func whatComesTooOftenIsAnsweredWith429() async throws {
        var policy = SkaroServer.policy
        policy.rates.account.write = Rate("1/d burst 2")
        policy.rates.account.read = Rate("1/h burst 1")
        policy.rates.account.profileChange = Rate("1/h burst 1")
        try await SkaroServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            _ = try await server.join("bob")
            // The chat of the two, and the message.
            _ = try await alice.ask(.sendMessage(to: "bob", body: "hello"))
            _ = try await alice.ask(.getUserData(login: "bob"))

            #expect(try await alice.refusal(.sendMessage(to: "bob", body: "again")) == 429)
            #expect(try await alice.refusal(.addContact(login: "bob")) == 429)
            #expect(try await alice.refusal(.getUserData(login: "bob")) == 429)
            #expect(try await alice.refusal(.getContacts) == 429)
            #expect(try await alice.refusal(.getHistory(dialog: "bob", before: nil, limit: 1)) == 429)
            _ = try await alice.ask(.updateMyData(SkaroProfile(name: "Alice")))
            #expect(try await alice.refusal(.updateMyData(SkaroProfile(name: "Bob"))) == 429)
        }
    }

    @Test func tooManyLoginsAreAnsweredWith429() async throws {
        var policy = SkaroServer.policy
        policy.rates.account.login = Rate("1/d burst 1")
        try await SkaroServer.with(policy: policy) { server in
            _ = try await server.join("alice")

            let client = try await server.connect()
            let proof = client.proof(of: ChatUnderTest.password)

            #expect(try await client.request(.authorize(login: "alice", proof: proof)).code == 429)
        }
    }

    @Test func whoHasNoRoomLeftIsRefused() async throws {
        var policy = SkaroServer.policy
        policy.rates.bytes = 1000
        try await SkaroServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            _ = try await server.join("bob")
            let long = String(repeating: "x", count: 2000)
            #expect(try await alice.refusal(.sendMessage(to: "bob", body: long)) == 403)
            _ = try await alice.ask(.sendMessage(to: "bob", body: "short"))
        }
    }

    /// To find out that something is not there costs as much as to find it.
    @Test func requestsForWhatIsNotThereCount() async throws {
        var policy = SkaroServer.policy
        policy.rates.account.write = Rate("1/d burst 2")
        policy.rates.account.read = Rate("1/h burst 1")
        try await SkaroServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            var codes: [Int] = []
            for _ in 0..<3 { codes.append(try await alice.refusal(.sendMessage(to: "nobody", body: "hello"))) }
            #expect(codes == [404, 404, 429])

            let history = SkaroCall.getHistory(dialog: "nobody", before: nil, limit: 1)
            #expect(try await alice.refusal(history) == 404)
            #expect(try await alice.refusal(history) == 429)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import ChatTesting
import TestClient
import Testing

@testable import Messenger

/// What a client is told that asks too often: the protocol has no word for it but "refused".
@Suite(.timeLimit(.minutes(10))) struct MessengerRateTests {
    @Test func whatComesTooOftenIsRefused() async throws {
        var policy = MessengerWorld.policy
        policy.rates.account.write = Rate("1/d burst 1")
        policy.rates.account.read = Rate("1/h burst 1")
        try await MessengerWorld.with(policy: policy) { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)
            #expect(try await anna.client.request(.addContact(key, login: "bob")) == .contactAdded(isOnline: false))
            #expect(try await anna.client.contacts().count == 1)

            #expect(try await anna.client.request(.addContact(key, login: "bob")) == .refused(prefix: 4))
            #expect(try await anna.client.request(.send(key, to: .login("bob"), text: "hello")) == .refused(prefix: 6))
            #expect(try await anna.client.request(.contacts(key)) == .refused(prefix: 3))
        }
    }

    @Test func whoHasNoRoomLeftIsRefused() async throws {
        var policy = MessengerWorld.policy
        policy.rates.bytes = 1000
        try await MessengerWorld.with(policy: policy) { world in
            let bob = try await world.enter("bob")
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)
            let long = String(repeating: "x", count: 2000)
            #expect(try await anna.client.request(.send(key, to: .login("bob"), text: long)) == .refused(prefix: 6))

            try await anna.client.send("short", to: "bob")
            #expect(await bob.messages(1) == ["anna: short"])
        }
    }

    /// To find out that something is not there costs as much as to find it.
    @Test func messagesToNobodyCount() async throws {
        var policy = MessengerWorld.policy
        policy.rates.account.write = Rate("1/d burst 2")
        try await MessengerWorld.with(policy: policy) { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)
            for _ in 0..<2 {
                #expect(
                    try await anna.client.request(.send(key, to: .login("nobody"), text: "hello"))
                        == .refused(prefix: 6))
            }

            #expect(try await anna.client.request(.addContact(key, login: "bob")) == .refused(prefix: 4))
        }
    }

    @Test func tooManyLoginsAreRefused() async throws {
        var policy = MessengerWorld.policy
        policy.rates.account.login = Rate("1/d burst 1")
        try await MessengerWorld.with(policy: policy) { world in
            try await world.test.register("anna")
            let first = try await world.connect()
            try await first.logIn("anna", password: ChatUnderTest.password)

            let second = try await world.connect()
            #expect(
                try await second.request(.logIn(login: "anna", password: ChatUnderTest.password))
                    == .refused(prefix: 1))
        }
    }
}

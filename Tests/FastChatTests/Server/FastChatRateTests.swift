// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import ChatTesting
import FastChat
import JSON
import TestClient
import Testing

/// What a client is told that asks too often.
@Suite(.timeLimit(.minutes(10))) struct FastChatRateTests {
    @Test func whatComesTooOftenIsRefusedWithANotice() async throws {
        var policy = ChatPolicy()
        policy.rates.account.read = Rate("1/h burst 1")
        try await FastChatWorld.with(policy: policy) { world in
            let seven = try await world.register(7)
            _ = try await seven.client.key(of: 7)

            _ = try? await seven.client.key(of: 7)

            #expect(
                await seven.notices(1)
                    == ["Request refused: too many requests of this kind, try again in 3600 seconds"])
        }
    }

    @Test func messagesThatComeTooOftenAreRefusedWithANotice() async throws {
        var policy = ChatPolicy()
        // The chat of the two, and a message.
        policy.rates.account.write = Rate("1/h burst 2")
        try await FastChatWorld.with(policy: policy) { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)
            try await seven.client.send("hello", to: 8)

            try await seven.client.send("again", to: 8)

            #expect(
                await seven.notices(1)
                    == ["Request refused: too many requests of this kind, try again in 3600 seconds"])
        }
    }

    @Test func whoHasNoRoomLeftIsRefusedWithANotice() async throws {
        var policy = ChatPolicy()
        policy.rates.bytes = 4000
        policy.rates.flows = 1
        try await FastChatWorld.with(policy: policy) { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            try await seven.client.send(String(repeating: "x", count: 5000), to: 8)
            #expect(await seven.notices(1).first?.contains("take all the room that they may") == true)
            try await seven.client.send("short", to: 8)
            #expect(await eight.messages(1) == ["7: short"])

            _ = try await eight.client.createGroup(of: [7])
            let failure = await #expect(throws: FastChatClientFailure.self) {
                try await eight.client.createGroup(of: [7])
            }
            #expect(failure?.description.contains("owns 1 groups and channels") == true)
        }
    }

    /// To find out that something is not there costs as much as to find it.
    @Test func requestsForWhatIsNotThereCount() async throws {
        var policy = ChatPolicy()
        policy.rates.account.write = Rate("1/h burst 1")
        policy.rates.account.read = Rate("1/m burst 2")
        try await FastChatWorld.with(policy: policy) { world in
            let seven = try await world.register(7)
            let header = FastChatHeader(kind: .text, sender: 7, time: "1")
            let copy = FastChatCopy(recipient: 99, body: JSONText("body"), key: JSONText("key"))
            for _ in 0..<2 { try await seven.client.send(.direct(FastChatMessage(header, copy))) }
            let first = await seven.notices(2)
            #expect(first[0].contains("too many") == false)
            #expect(first[1] == "Request refused: too many requests of this kind, try again in 3600 seconds")

            for _ in 0..<3 { try await seven.client.send(.addToGroup(FastChatGroupNumber(99), member: 7, from: 7)) }
            let second = await seven.notices(3)
            #expect(second[1].contains("too many") == false)
            #expect(second[2] == "Request refused: too many requests of this kind, try again in 60 seconds")
        }
    }

    @Test func tooManyLoginsAreRefusedInTheReply() async throws {
        var policy = ChatPolicy()
        policy.rates.account.login = Rate("1/d burst 1")
        try await FastChatWorld.with(policy: policy) { world in
            _ = try await world.register(7)
            _ = try await world.logIn(7)

            let socket = try await world.socket()
            try await socket.send(
                FastChatRequest.logIn(7, password: ChatUnderTest.password, sign: world.sign).encoded())
            var bytes: [UInt8] = []
            for await read in socket.reads { bytes += read }
            #expect(String(decoding: bytes, as: UTF8.self).contains("too many requests of this kind"))
        }
    }
}

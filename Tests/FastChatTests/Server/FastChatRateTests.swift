// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import ChatTesting
import FastChat
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

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import NIOCore
import Skaro
import Storage
import TestClient
import Testing
import Transport

/// The end of sessions, and of connections on which there is none.
@Suite(.timeLimit(.minutes(10))) struct SkaroSessionEndTests {
    @Test func nothingIsPushedToAnExpiredSession() async throws {
        var policy = SkaroServer.policy
        policy.tokenLifetimeSeconds = 60
        try await SkaroServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            _ = try await bob.client.send("in time", to: "alice")
            #expect(try await alice.message().body == "in time")

            server.test.wallClock.advance(milliseconds: 60_000)
            let later = try await server.logIn("bob")
            _ = try await later.client.send("too late", to: "alice")

            await #expect(throws: (any Error).self) { _ = try await alice.message() }
        }
    }

    @Test func whoDoesNotLogInIsDisconnected() async throws {
        var peers = PeerLimits()
        peers.logInTimeout = .seconds(1)
        try await SkaroServer.with(peers: peers) { server in
            let closure = try await WebSocketClient.closureOfStranger(url: server.url)

            #expect(closure.code == 1008)
        }
    }

    @Test func requestsCountAgainstTheBudgetUntilTheyAreAnswered() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            try await server.test.register("bob")
            let budget = server.registry.inboundBudget
            let text = String(repeating: "x", count: 16_000)

            server.test.engine.hold()
            async let sent = alice.client.send(text, to: "bob")
            await server.test.engine.writeIsHeld()
            #expect(budget.usedBytes >= 16_000)
            server.test.engine.release()

            #expect(try await sent.body == text)
            while budget.usedBytes > 0 { await Task.yield() }
        }
    }
}

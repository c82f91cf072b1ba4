// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import NIOCore
import Skaro
import Storage
import TestClient
import Testing
import Transport

@testable import Chat

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

    @Test func whatTheOperatorAnnouncesIsShownToWhoIsThereAndWhoComes() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            server.chat.hub.announce("Down at 8.")
            #expect(try await alice.next() == .info("Down at 8."))

            let bob = try await server.join("bob")
            #expect(try await bob.next() == .info("Down at 8."))

            server.chat.hub.announce(nil)
            let carol = try await server.join("carol")
            _ = try await alice.client.send("hello", to: "carol")
            #expect(try await carol.message().body == "hello")
        }
    }

    @Test func theHashThatAClosedConnectionWaitsForIsNotMade() async throws {
        try await SkaroServer.with { server in
            let hasher = server.test.chat.hasher
            try await hasher.withoutHashes {
                let stranger = try await server.connect()
                async let answer = try? stranger.request(
                    .register(SkaroRegistration(login: "carol", password: ChatUnderTest.password)))
                while hasher.load.waiting == 0 { await Task.yield() }

                await stranger.webSocket.abort()

                while hasher.load.waiting > 0 { await Task.yield() }
                #expect(await answer == nil)
            }
            _ = try await server.join("carol")
        }
    }

    // MARK: Revoked before the hub knew the connection: nobody is told, and the session finds it out itself

    @Test func aLogInThatIsRevokedMeanwhileIsRefused() async throws {
        try await SkaroServer.with { server in
            let user = try await server.test.register("bob").principal.user
            let (chat, engine) = (server.chat, server.test.engine)
            let client = try await server.connect()
            chat.revocations.finish()
            // After the log in is written.
            engine.beforeNextWrite {
                engine.beforeNextRead { _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil) }
            }

            let proof = client.proof(of: ChatUnderTest.password)
            let answer = try await client.request(.authorize(login: "bob", proof: proof))

            #expect(answer.code == 401)
            #expect(!chat.hub.isConnected(user))
            #expect(try await client.request(.getContacts).code == 401)
        }
    }

    @Test func aSessionThatIsRevokedWhileItIsRestoredIsRefused() async throws {
        try await SkaroServer.with { server in
            let bob = try await server.join("bob")
            let (chat, engine) = (server.chat, server.test.engine)
            let user = try await chat.person(login: "bob").id
            await bob.client.close()
            await server.registry.allClosed()
            let client = try await server.connect()
            chat.revocations.finish()
            // After the look at the session.
            engine.afterNextRead { _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil) }

            let answer = try await client.request(.sessionRestore(sid: bob.session))

            #expect(answer.code == 401)
            #expect(!chat.hub.isConnected(user))
            #expect(try await client.request(.getContacts).code == 401)
        }
    }

    // MARK: Without a login

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
            // The first write that is held may be that of the cursors, which are saved every few seconds.
            repeat { await server.test.engine.writeIsHeld() } while budget.usedBytes < 16_000
            #expect(budget.usedBytes >= 16_000)
            server.test.engine.release()

            #expect(try await sent.body == text)
            while budget.usedBytes > 0 { await Task.yield() }
        }
    }
}

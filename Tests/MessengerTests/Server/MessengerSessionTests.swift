// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Messenger
import NIOCore
import Storage
import TestClient
import Testing
import Transport

@testable import Chat

/// The end of sessions, and of connections on which there is none.
@Suite(.timeLimit(.minutes(10))) struct MessengerSessionTests {
    @Test func theHashThatAClosedConnectionWaitsForIsNotMade() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("anna")
            let hasher = world.chat.hasher
            try await hasher.withoutHashes {
                let stranger = try await world.socket()
                try await stranger.send(MessengerRequest.logIn(login: "anna", password: "guess").encoded())
                while hasher.load.waiting == 0 { await Task.yield() }

                await stranger.close()

                while hasher.load.waiting > 0 { await Task.yield() }
            }
            _ = try await world.enter("anna")
        }
    }

    /// There is no limit of time for a log in here: only that he does not read ends it.
    @Test func whoIsLoggedInAndReadsNothingIsDisconnected() async throws {
        var peers = PeerLimits()
        peers.writeTimeout = .seconds(1)
        try await MessengerWorld.with(peers: peers) { world in
            let author = try await world.test.register("anna").principal
            let slow = try await world.enter("bob")
            let bob = try world.principal(slow).user
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            await slow.client.connection.setReading(false)
            // More than the system keeps for a peer that does not read.
            let padding = String(repeating: "x", count: 20_000)
            for number in 0..<400 { try await world.test.send("\(number) \(padding)", to: flow, by: author) }

            while world.chat.hub.isConnected(bob) { await Task.yield() }

            #expect(try await world.enter("carol").client.contacts() == [])
        }
    }

    @Test func nothingIsPushedToAnExpiredSession() async throws {
        var policy = MessengerWorld.policy
        policy.tokenLifetimeSeconds = 60
        try await MessengerWorld.with(policy: policy) { world in
            let anna = try await world.enter("anna")
            let bob = try await world.enter("bob")
            try await bob.send("in time", to: "anna")
            #expect(await anna.messages(1) == ["bob: in time"])

            world.test.wallClock.advance(milliseconds: 60_000)
            let later = try await world.enter("bob")
            try await later.send("too late", to: "anna")

            #expect(await anna.messages(1) == [])
        }
    }

    @Test func aRevocationOfAnEarlierLogInDoesNotEndTheNextOne() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let device = try await world.enter("anna")
            let anna = try world.principal(device)
            try await device.client.logIn("bob", password: ChatUnderTest.password)

            _ = try await world.chat.write(Write.RevokeSessions(anna.user, nil), by: nil)

            #expect(try await device.client.contacts() == [])
        }
    }

    /// Before the hub knew the connection: nobody is told, and the session finds it out itself.
    @Test func aLogInThatIsRevokedMeanwhileIsRefused() async throws {
        try await MessengerWorld.with { world in
            let user = try await world.test.register("anna").principal.user
            let (chat, engine) = (world.chat, world.test.engine)
            let client = try await world.connect()
            chat.revocations.finish()
            engine.beforeNextWrite {
                // The log in; the next read is the first of those that follow it.
                engine.afterNextRead { _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil) }
            }

            await #expect(throws: (any Error).self) {
                try await client.logIn("anna", password: ChatUnderTest.password)
            }

            #expect(client.key == nil)
            #expect(!chat.hub.isConnected(user))
        }
    }

    @Test func whoDoesNotLogInIsDisconnected() async throws {
        var peers = PeerLimits()
        peers.logInTimeout = .seconds(1)
        try await MessengerWorld.with(peers: peers) { world in
            let stranger = try await world.socket()
            // It talks, but does not log in; on a slow machine it is disconnected before it can talk.
            try? await stranger.send([0xFF])

            for await _ in stranger.reads {}
        }
    }

    /// A page of the log does not wait in memory for a peer who does not read.
    @Test func whoDoesNotReadFindsTheRestInTheLog() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let bob = try await world.test.register("bob").principal
            await anna.client.close()
            await world.allLeft()
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "anna"), by: bob)
            let texts = (0..<200).map { "\($0) " + String(repeating: "x", count: 500) }
            for text in texts { try await world.test.send(text, to: flow.uuid, by: bob) }

            let again = try await world.enter("anna")

            #expect(await again.messages(200) == texts.map { "bob: \($0)" })
        }
    }
}

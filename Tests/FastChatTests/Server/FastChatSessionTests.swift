// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import FastChat
import NIOCore
import Storage
import Synchronization
import TestClient
import Testing
import Transport

@testable import Chat

/// The end of sessions, and what a crash leaves of a registration.
@Suite(.timeLimit(.minutes(10))) struct FastChatSessionTests {
    /// The database is gone after the first write of a registration, as when the server is killed there.
    @Test func aCrashCannotLeaveAnAccountWithoutItsKey() async throws {
        try await FastChatWorld.with { world in
            let writes = Atomic(0)
            world.test.engine.beforeEachWrite { [engine = world.test.engine] in
                if writes.wrappingAdd(1, ordering: .relaxed).newValue > 1 { engine.setOutOfReach(true) }
            }
            _ = try? await world.register(7)
            world.test.engine.beforeEachWrite {}
            world.test.engine.setOutOfReach(false)

            let user = try await world.chat.person(login: "7").id
            let keys = try await world.chat.publicKeys(of: [user], kind: "fastchat")

            #expect(try keys[user].map { try RSAPublicKey(pem: $0) } == FastChatWorld.keys.get()[3].publicKey)
        }
    }

    /// Revoked after the login was written, while one of what follows is read: the cursor, where a new device begins,
    /// the key, and the session itself, which is the check; also when nobody tells the connection.
    @Test(arguments: [true, false], 1...4)
    func aLogInThatIsRevokedMeanwhileEndsTheConnection(isTold: Bool, read: Int) async throws {
        try await FastChatWorld.with { world in
            let user = try await world.test.register("7").principal.user
            let (chat, engine) = (world.chat, world.test.engine)
            if !isTold { chat.revocations.finish() }
            @Sendable func revoke(afterRead count: Int) {
                engine.afterNextRead {
                    guard count == 1 else { return revoke(afterRead: count - 1) }
                    _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil)
                }
            }
            // That of the login.
            engine.beforeNextWrite { revoke(afterRead: read) }

            let member = try? await world.logIn(7)

            // Only what happens after the check is not found by it: the next request finds that.
            #expect(member == nil || read == 4)
            if let member {
                try? await member.client.send(.userKey(7, from: 7))
                while await member.event() != nil {}
            }
            await world.registry.allClosed()
            #expect(!chat.hub.isConnected(user))
        }
    }

    @Test func whatTheOperatorAnnouncesIsANoticeToWhoIsThereAndWhoComes() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            world.chat.hub.announce("Down at 8.")
            #expect(await seven.notices(1) == ["Down at 8."])

            let eight = try await world.register(8)
            #expect(await eight.notices(1) == ["Down at 8."])
        }
    }

    /// An old client waits for nothing else.
    @Test func aRequestForKeysIsAnsweredWithKeysAlsoWhenTheStoreFails() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let user = try await world.chat.person(login: "7").id
            // What is known of the session is forgotten.
            _ = try await world.chat.write(Write.UpdateUser(user, UserChanges(bio: "new")), by: user)
            world.test.engine.setOutOfReach(true)

            let key = try await seven.client.key(of: 7)

            world.test.engine.setOutOfReach(false)
            #expect(key == nil)
            #expect(await seven.notices(1).first?.hasPrefix("Request refused: ") == true)
        }
    }

    @Test func theHashThatAClosedConnectionWaitsForIsNotMade() async throws {
        try await FastChatWorld.with { world in
            _ = try await world.register(7)
            let hasher = world.chat.hasher
            try await hasher.withoutHashes {
                let stranger = try await world.socket()
                try await stranger.send(FastChatRequest.logIn(7, password: "guess", sign: world.sign).encoded())
                while hasher.load.waiting == 0 { await Task.yield() }

                await stranger.close()

                while hasher.load.waiting > 0 { await Task.yield() }
            }
            _ = try await world.logIn(7)
        }
    }

    /// There is no limit of time for a log in here: only that eight does not read ends it.
    @Test func whoIsLoggedInAndReadsNothingIsDisconnected() async throws {
        var peers = PeerLimits()
        peers.writeTimeout = .seconds(1)
        try await FastChatWorld.with(peers: peers) { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let user = try await world.chat.person(publicNumber: 8).id
            await eight.client.connection.setReading(false)
            // More than the system keeps for a peer that does not read.
            let text = String(repeating: "long ", count: 4000)
            for number in 0..<400 { try await seven.client.send("\(number) \(text)", to: 8) }

            while world.chat.hub.isConnected(user) { await Task.yield() }

            #expect(try await seven.client.key(of: 8) != nil)
        }
    }

    @Test func nothingIsPushedToAnExpiredSession() async throws {
        try await FastChatWorld.with(policy: ChatPolicy(tokenLifetimeSeconds: 60)) { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)

            world.test.wallClock.advance(milliseconds: 60_000)
            let eight = try await world.logIn(8)
            try await eight.client.send("too late", to: 7)

            #expect(await seven.notices(1) == ["The session was ended by the server."])
            #expect(await seven.event() == nil)
        }
    }

    @Test func nothingIsDoneForAnExpiredSession() async throws {
        try await FastChatWorld.with(policy: ChatPolicy(tokenLifetimeSeconds: 60)) { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)
            world.test.wallClock.advance(milliseconds: 60_000)

            try? await seven.client.send("too late", to: 8)

            while await seven.event() != nil {}
            let eight = try await world.principal(8)
            #expect(try await world.test.texts(in: world.direct(eight, with: 7).uuid, for: eight) == [])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import JSON
import MTP
import NIOCore
import Storage
import TestClient
import Testing
import Transport

@testable import Chat

/// Whose connection it is: what was revoked or has expired is pushed nothing, whoever else asks on the same connection.
@Suite(.timeLimit(.minutes(10))) struct MTPSessionEndTests {
    /// Two accounts on one connection, of which the first is pushed to; and a third on its own.
    private func withTwoOnOne(
        _ body: (_ server: MTPServer, _ alice: MTPPerson, _ bob: MTPPerson, _ carol: MTPPerson) async throws -> Void
    ) async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let carol = try await server.join("carol")
            try await body(server, alice, bob.on(alice.client), carol)
        }
    }

    private func revoke(_ login: String, at server: MTPServer) async throws {
        let user = try await server.test.chat.person(login: login).id
        _ = try await server.test.chat.write(Write.RevokeSessions(user, nil), by: nil)
    }

    // spec: MTP, Push
    @Test func aRequestAsAnotherAccountLeavesThePushWhereItIs() async throws {
        try await withTwoOnOne { server, alice, bob, carol in
            let forAlice = try await carol.createFlow(users: [alice])
            let forBob = try await carol.createFlow(users: [bob])
            try await alice.switchPushOn()

            try await bob.ask(.pingPong(as: bob.credentials))
            try await bob.ask(.getUpdate(as: bob.credentials, time: 0, push: nil))
            try await carol.send("for bob", to: forBob)
            try await carol.send("for alice", to: forAlice)

            #expect(try await alice.pushedTexts(upTo: "for alice") == ["for alice"])
        }
    }

    @Test func anotherAccountsWishDoesNotTakeThePushOver() async throws {
        try await withTwoOnOne { server, alice, bob, carol in
            let forAlice = try await carol.createFlow(users: [alice])
            let forBob = try await carol.createFlow(users: [bob])
            try await alice.switchPushOn()

            try await bob.switchPushOn()
            try await carol.send("for bob", to: forBob)
            try await carol.send("for alice", to: forAlice)

            #expect(try await alice.pushedTexts(upTo: "for alice") == ["for alice"])
        }
    }

    @Test func aPushEndsWithItsSessionWhoeverAskedLast() async throws {
        try await withTwoOnOne { server, alice, bob, carol in
            try await alice.switchPushOn()
            try await bob.ask(.pingPong(as: bob.credentials))

            try await revoke("alice", at: server)

            #expect(
                await alice.client.webSocket.closed()
                    == WebSocketClosure(code: 1008, reason: "The session was revoked."))
        }
    }

    @Test func theEndOfAnotherAccountLeavesThePushAlone() async throws {
        try await withTwoOnOne { server, alice, bob, carol in
            let flow = try await carol.createFlow(users: [alice])
            try await alice.switchPushOn()
            try await bob.ask(.pingPong(as: bob.credentials))

            try await bob.ask(.deleteUser(as: bob.credentials, login: "bob", password: MTPPerson.password))
            try await carol.send("still here", to: flow)

            #expect(try await alice.pushedTexts(upTo: "still here") == ["still here"])
            #expect(alice.client.closure == nil)
        }
    }

    @Test func anotherSessionOfTheAccountTakesThePushOver() async throws {
        try await MTPServer.with { server in
            let first = try await server.join("alice")
            let carol = try await server.join("carol")
            let flow = try await carol.createFlow(users: [first])
            try await first.switchPushOn()
            let user = try await server.test.chat.person(login: "alice").id
            let session = try #require(try await server.test.storage.sessions(of: user).first).id
            let credentials = try await first.client.authenticate(login: "alice", password: MTPPerson.password)
            let second = MTPPerson(login: "alice", client: first.client, credentials: credentials)
            try await carol.send("1", to: flow)

            try await second.switchPushOn()
            _ = try await server.test.chat.write(Write.RevokeSessions(user, session), by: nil)
            try await carol.send("2", to: flow)

            #expect(try await second.pushedTexts(upTo: "2") == ["1", "2"])
            try await revoke("alice", at: server)
            #expect(await second.client.webSocket.closed().code == 1008)
        }
    }

    /// Between the look at the token and being known to the hub.
    @Test(arguments: [true, false])
    func whatIsRevokedMeanwhileDoesNotSlipThrough(push: Bool) async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let user = try await server.test.chat.person(login: "alice").id
            let chat = server.test.chat
            await alice.client.close()
            await server.server.registry.allClosed()
            // As after another start of the server.
            chat.cache.forgetSessions()
            let other = alice.on(try await server.connect())

            server.test.engine.afterNextRead { _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil) }
            var request = MTPRequest.pingPong(as: other.credentials)
            if push { request.meta = MTPMeta(push: true) }
            let answer = try await other.client.request(request)

            #expect(answer.code == 401)
            #expect(!chat.hub.isConnected(user))
        }
    }

    /// What it would show was said after the end of the session.
    @Test(arguments: [MTPMethod.getUpdate, .allMessages, .allFlow, .userInfo])
    func aPageThatIsReadWhileItsSessionIsRevokedIsNotShown(_ method: MTPMethod) async throws {
        try await withTwoOnOne { server, alice, bob, carol in
            let flow = try await carol.createFlow(users: [alice, bob])
            let chat = server.test.chat
            let user = try await chat.person(login: "bob").id
            let principal = try await server.test.logIn("carol").principal
            let asBob = bob.credentials
            let request: MTPRequest =
                switch method {
                case .getUpdate: .getUpdate(as: asBob, time: 0)
                case .allMessages: .allMessages(as: asBob, flow: flow, start: 0, end: 1)
                case .allFlow: .allFlow(as: asBob)
                default: .userInfo(as: asBob, about: [carol.uuid])
                }
            // The account that the connection belongs to is another one: nothing closes it.
            try await bob.ask(.pingPong(as: asBob))

            let identifier = try #require(MTPIdentifier(flow).identifier)
            server.test.engine.beforeNextRead {
                _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil)
                _ = try? await server.test.send("later", to: identifier, by: principal)
            }
            let answer = try await bob.client.request(request)

            #expect(answer.code == 401)
            #expect(answer.data?.message == nil && answer.data?.flow == nil)
            #expect(alice.client.closure == nil)
            #expect(try await alice.texts(in: flow) == ["later"])
        }
    }

    @Test func aPageThatIsReadWhileItsConnectionEndsIsNotShown() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let carol = try await server.test.register("carol").principal
            let (chat, test) = (server.test.chat, server.test)
            let flow = try await test.createFlow(by: carol)
            let user = try await chat.person(login: "alice").id

            test.engine.beforeNextRead {
                _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil)
                _ = try? await test.send("later", to: flow, by: carol)
            }
            let answer = try await alice.client.request(.getUpdate(as: alice.credentials, time: 0))

            #expect(answer.code == 401)
            #expect(answer.data?.message == nil)
            #expect(
                await alice.client.webSocket.closed()
                    == WebSocketClosure(code: 1008, reason: "The session was revoked."))
        }
    }

    // MARK: Expiry

    @Test(arguments: StorageKind.engines) func nothingIsPushedToAnExpiredSession(on kind: StorageKind) async throws {
        try await MTPServer.with(kind, policy: ChatPolicy(tokenLifetimeSeconds: 60)) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await bob.createFlow(users: [alice])
            try await alice.switchPushOn()

            server.test.wallClock.advance(milliseconds: 60_000)
            let later = try await server.logIn("bob")
            try await later.send("too late", to: flow)

            #expect(
                await alice.client.webSocket.closed()
                    == WebSocketClosure(code: 1008, reason: "The session has expired."))
            for await push in alice.client.pushes { Issue.record("pushed: \(push)") }
        }
    }

    @Test func whoseTokenExpiredMayLogInAgainOnTheSameConnection() async throws {
        try await MTPServer.with(policy: ChatPolicy(tokenLifetimeSeconds: 60)) { server in
            let alice = try await server.join("alice")
            let user = try await server.test.chat.person(login: "alice").id

            server.test.wallClock.advance(milliseconds: 60_000)
            // The hub has heard of it.
            while server.test.chat.hub.isConnected(user) { await Task.yield() }

            #expect(try await alice.client.request(.pingPong(as: alice.credentials)).code == 401)
            let again = try await alice.client.authenticate(login: "alice", password: MTPPerson.password)
            #expect(try await alice.client.request(.pingPong(as: again)).code == 200)
        }
    }

    // MARK: Before the login

    @Test func whoDoesNotLogInIsDisconnected() async throws {
        var peers = PeerLimits()
        peers.logInTimeout = .seconds(1)
        try await MTPServer.with(peers: peers) { server in
            let closure = try await WebSocketClient.closureOfStranger(url: server.url)

            #expect(closure == WebSocketClosure(code: 1008, reason: "The login did not come in time."))
        }
    }

    @Test func theHashThatAClosedConnectionWaitsForIsNotMade() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let hasher = server.test.chat.hasher
            try await hasher.withoutHashes {
                let stranger = try await server.connect()
                stranger.webSocket.enqueue(
                    text: MTPRequest.authentication(login: "alice", password: "guess").encoded())
                while hasher.load.waiting == 0 { await Task.yield() }

                await stranger.webSocket.abort()

                while hasher.load.waiting > 0 { await Task.yield() }
            }
            #expect(try await alice.client.request(.pingPong(as: alice.credentials)).code == 200)
        }
    }

    // MARK: Answers wait for the reader

    @Test func whoReadsNothingIsDisconnectedAndOthersAreServed() async throws {
        var peers = PeerLimits()
        peers.writeTimeout = .seconds(1)
        try await MTPServer.with(peers: peers) { server in
            let alice = try await server.join("alice")
            let socket = try await WebSocketClient.connect(url: server.url, onMessage: { _ in })
            try await socket.setReading(false)

            // Each is answered with a hundred times its length, if anybody reads it.
            await #expect(throws: ClientError.self) {
                while true {
                    for _ in 0..<100 { socket.enqueue(text: Array("{".utf8)) }
                    try await socket.send(text: "{")
                }
            }

            #expect(try await alice.client.request(.pingPong(as: alice.credentials)).code == 200)
        }
    }

    @Test func requestsCountAgainstTheBudgetUntilTheyAreAnswered() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            let budget = server.server.registry.inboundBudget
            let text = String(repeating: "x", count: 16_000)

            server.test.engine.hold()
            async let answer = alice.client.request(alice.message(text, to: flow))
            // The first write that is held may be that of the cursors, which are saved every few seconds.
            repeat { await server.test.engine.writeIsHeld() } while budget.usedBytes < 16_000
            #expect(budget.usedBytes >= 16_000)
            server.test.engine.release()

            #expect(try await answer.code == 200)
            while budget.usedBytes > 0 { await Task.yield() }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Chat
import ChatTesting
import Credentials
import Logging
import Storage
import TestClient
import Testing
import Transport

@testable import Skaro

/// Sessions as devices: what they missed, how they go on, how they end.
@Suite(.timeLimit(.minutes(10))) struct SkaroDeviceTests {
    @Test func missedMessagesComeFirstAndInOrder() async throws {
        try await SkaroServer.with { server in
            _ = try await server.test.register("bob")
            let alice = try await server.join("alice")
            let carol = try await server.join("carol")
            var expected: [String] = []
            for number in 0..<150 {
                let sender = number % 3 == 0 ? carol : alice
                expected.append(try await sender.client.send("\(number)", to: "bob").body)
            }

            let bob = try await server.logIn("bob")
            _ = try await alice.client.send("live", to: "bob")

            #expect(try await bob.bodies(151) == expected + ["live"])
        }
    }

    @Test func newSessionBeginsAtMostTheBacklogBack() async throws {
        var policy = SkaroServer.policy
        policy.backlog = 3
        try await SkaroServer.with(policy: policy) { server in
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            for number in 0..<10 { _ = try await alice.client.send("\(number)", to: "bob") }

            let bob = try await server.logIn("bob")

            #expect(try await bob.bodies(3) == ["7", "8", "9"])
        }
    }

    @Test func nothingIsPushedBeforeTheAnswerToTheLogIn() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            for number in 0..<5 { _ = try await alice.client.send("\(number)", to: "bob") }
            let socket = try await WebSocketClient.connect(url: server.url)
            func next() async throws -> CBORValue {
                try CBORValue(decoding: try #require(try await socket.receive()))
            }
            let token = try #require(try await next()["token"]?.text)
            let proof = HMACChallenge(Password(ChatUnderTest.password)).answer(to: token)
            // Without waiting for the answer: what follows is answered after it.
            for (id, call) in [SkaroCall.authorize(login: "bob", proof: proof), .getContacts].enumerated() {
                try await socket.send(
                    frame: WebSocketFrameBytes(opcode: 2), payload: call.encoded(id: .int(Int64(id))))
            }

            let first = try await next()
            var types: [String?] = []
            for _ in 0..<6 { types.append(try await next()["type"]?.text) }

            #expect(first["for"] == "authorize")
            #expect(first["status"] == "200 OK")
            #expect(types.count { $0 == "show_message" } == 5)
            #expect(types.count { $0 == "request" } == 1)
        }
    }

    // MARK: Restoring

    @Test func restoredSessionGoesOnWhereItWas() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            for number in 0..<3 { _ = try await alice.client.send("\(number)", to: "bob") }
            #expect(try await bob.bodies(3) == ["0", "1", "2"])
            await bob.client.close()
            for number in 3..<6 { _ = try await alice.client.send("\(number)", to: "bob") }
            server.test.wallClock.advance(milliseconds: 299_000)

            let restored = try await server.restore(bob)

            #expect(restored.session == bob.session)
            #expect(try await restored.bodies(3) == ["3", "4", "5"])
            _ = try await alice.client.send("live", to: "bob")
            #expect(try await restored.bodies(1) == ["live"])
            #expect(try await restored.client.send("still me", to: "alice").from == "bob")
        }
    }

    @Test func sessionIsRestoredInTimeOnly() async throws {
        try await SkaroServer.with { server in
            let bob = try await server.join("bob")
            await bob.client.close()
            await server.registry.allClosed()
            server.test.wallClock.advance(milliseconds: 300_001)
            let client = try await server.connect()

            let late = try await client.request(.sessionRestore(sid: bob.session))
            let unknown = try await client.request(.sessionRestore(sid: "unknown"))

            #expect(late.code == 401)
            #expect(late.info?.isEmpty == false)
            #expect(unknown.code == 401)
            #expect(try await client.request(.getContacts).code == 401)
        }
    }

    @Test func openSessionIsTakenOver() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            // As long as it is connected it is not too late.
            server.test.wallClock.advance(milliseconds: 1_000_000)

            let restored = try await server.restore(bob)

            #expect(await bob.client.webSocket.closed().code == 1000)
            _ = try await alice.client.send("Hello!", to: "bob")
            #expect(try await restored.bodies(1) == ["Hello!"])
            let user = try #require(try await server.chat.storage.user(loginKey: "bob"))
            #expect(server.chat.isOnline(user.id))
            #expect(server.chat.hub.counts.listeners == 2)
        }
    }

    @Test func sessionsHaveCursorsOfTheirOwn() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let phone = try await server.join("bob")
            let desk = try await server.logIn("bob")
            await desk.client.close()
            _ = try await alice.client.send("Hello!", to: "bob")
            #expect(try await phone.bodies(1) == ["Hello!"])

            #expect(try await server.restore(desk).bodies(1) == ["Hello!"])
        }
    }

    @Test func cursorFollowsWhatThePeersTCPAcknowledged() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            _ = try await alice.ask(.addContact(login: "bob"))
            _ = try await alice.client.send("Hello!", to: "bob")
            _ = try await bob.message()
            await bob.client.close()
            while try await alice.changed().isOnline {}

            let user = try #require(try await server.chat.storage.user(loginKey: "bob"))
            await server.chat.cursors.save()

            let cursors = try await server.chat.storage.cursors(of: user.id)
            #expect(cursors.count == 1)
            #expect(cursors.first?.device.hasPrefix("session ") == true)
            #expect(cursors.first?.position == (try await server.chat.head()))
        }
    }

    // MARK: Ends

    @Test func revokedSessionIsClosedAndNotRestored() async throws {
        try await SkaroServer.with { server in
            let bob = try await server.join("bob")
            let user = try #require(try await server.chat.storage.user(loginKey: "bob"))
            _ = try await server.chat.write(Write.RevokeSessions(user.id, nil), by: nil)

            guard case .error(let why) = try await bob.next() else {
                Issue.record("no error push")
                return
            }
            #expect(why.contains("ended"))
            #expect(await bob.client.webSocket.closed().code == 1008)
            let client = try await server.connect()
            #expect(try await client.request(.sessionRestore(sid: bob.session)).code == 401)
        }
    }

    @Test func oneSessionOfManyIsEnded() async throws {
        try await SkaroServer.with { server in
            let phone = try await server.join("bob")
            let desk = try await server.logIn("bob")
            let principal = try await server.chat.restore(token: TokenHash(of: phone.session), within: 300)
            try await server.chat.logOut(principal)

            #expect(await phone.client.webSocket.closed().code == 1008)
            #expect(try await desk.ask(.getContacts).contacts == [])
        }
    }

    @Test func deletedAccountIsGone() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let stored = try await bob.client.send("Hello!", to: "alice")
            // Read before the account goes: afterwards nobody learns any more what it was called.
            #expect(try await alice.message() == stored)
            let user = try #require(try await server.chat.storage.user(loginKey: "bob"))
            _ = try await server.chat.write(Write.DeleteUser(user.id), by: nil)

            #expect(await bob.client.webSocket.closed().code == 1008)
            let client = try await server.connect()
            #expect(try await client.request(.sessionRestore(sid: bob.session)).code == 410)
            #expect(
                try await client.request(.authorize(login: "bob", proof: client.proof(of: ChatUnderTest.password))).code
                    == 401)
            #expect(try await alice.refusal(.sendMessage(to: "bob", body: "Bob?")) == 404)
        }
    }

    @Test func sessionThatExpiredAsksForANewLogIn() async throws {
        var policy = SkaroServer.policy
        policy.tokenLifetimeSeconds = 60
        try await SkaroServer.with(policy: policy) { server in
            let bob = try await server.join("bob")
            server.test.wallClock.advance(milliseconds: 61_000)

            // Refused, unless the server has noticed by itself before.
            let answer = try? await bob.client.request(.getContacts)
            #expect(answer == nil || answer?.code == 401)
            #expect(await bob.client.webSocket.closed().code == 1008)
        }
    }

    @Test func removedMemberGetsNoMore() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let owner = try await server.principal("alice")
            let group = try await server.test.createFlow(members: [try await server.principal("bob")], by: owner)
            _ = try await alice.client.send("with Bob", to: group.description)
            #expect(try await bob.bodies(1) == ["with Bob"])

            let access = try await server.chat.flow(group, for: owner)
            try await server.chat.removeMember(try await server.chat.person(login: "bob"), from: access, by: owner)
            _ = try await alice.client.send("without Bob", to: group.description)
            _ = try await alice.client.send("to Bob", to: "bob")

            #expect(try await bob.bodies(1) == ["to Bob"])
            #expect(try await bob.refusal(.sendMessage(to: group.description, body: "x")) == 404)
            // What was said until he left he may still read.
            let answer = try await bob.ask(.getHistory(dialog: group.description, before: nil, limit: nil))
            #expect(answer.history?.map(\.body) == ["with Bob"])
        }
    }

    @Test(arguments: MembershipCase.runs) func membershipDecidesWhatComes(
        in scene: MembershipCase, isConnected: Bool
    ) async throws {
        try await SkaroServer.with { server in
            var bob = try await server.join("bob")
            let owner = try await server.test.register("alice").principal
            let group = try await MembershipCase.makeGroup(in: server.test, owner: owner)
            if !isConnected {
                await bob.client.close()
                await server.registry.allClosed()
            }

            try await scene.play(
                in: server.test, group: group, owner: owner, member: try await server.chat.person(login: "bob"))

            if !isConnected { bob = try await server.logIn("bob") }
            #expect(try await bob.bodies(scene.pushed.count + 1) == scene.pushed + [MembershipCase.end])
            let history = SkaroCall.getHistory(dialog: group.uuid.description, before: nil, limit: nil)
            if let read = scene.read {
                #expect(try await bob.ask(history).history?.map(\.body) == read)
            } else {
                #expect(try await bob.refusal(history) == 404)
            }
        }
    }

    // MARK: A new session

    @Test func newSessionBeginsWhereTheAccountHasReadFarthest() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.test.register("alice").principal
            let phone = try await server.join("bob")
            let chat = try await server.chat.directFlow(with: try await server.chat.person(login: "bob"), by: alice)
            for number in 0..<3 { try await server.test.send("\(number)", to: chat.uuid, by: alice) }
            #expect(try await phone.bodies(3) == ["0", "1", "2"])
            await phone.client.close()
            await server.registry.allClosed()
            try await server.test.send("missed", to: chat.uuid, by: alice)

            // Another session, which has no cursor of its own.
            let other = try await server.logIn("bob")
            #expect(other.session != phone.session)
            #expect(try await other.bodies(1) == ["missed"])
            try await server.test.send("live", to: chat.uuid, by: alice)
            #expect(try await other.bodies(1) == ["live"])

            // The first one still goes on where it was.
            let restored = try await server.restore(phone)
            #expect(try await restored.bodies(2) == ["missed", "live"])
        }
    }

    @Test func clientsAreToldThatTheServerStops() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func routes(_ chat: Chat, _ registry: ConnectionRegistry) -> [WebSocketRoute] {
            [SkaroService(chat: chat, options: SkaroService.Options(), registry: registry, logger: logger).route]
        }
        try await withServer(policy: SkaroServer.policy, routes: routes) { server in
            try await server.test.register("bob")
            let client = try await SkaroClient.connect(url: server.url(SkaroService.path))
            let session = try await client.authorize(login: "bob", password: ChatUnderTest.password)
            let bob = SkaroPerson(login: "bob", client: client, session: session)

            await server.stop()

            #expect(try await bob.next() == .info("The server is stopping. Connect again in a moment."))
        }
    }
}

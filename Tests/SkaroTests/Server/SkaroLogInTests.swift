// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Chat
import ChatTesting
import Credentials
import Skaro
import Storage
import TestClient
import Testing

/// Making accounts, and the ways into a connection.
@Suite(.timeLimit(.minutes(10))) struct SkaroLogInTests {
    @Test func serverSpeaksFirstWithATokenOfTheConnection() async throws {
        try await SkaroServer.with { server in
            let socket = try await WebSocketClient.connect(url: server.url)
            let frame = try #require(try await socket.receive())
            let first = try CBORValue(decoding: frame)
            let second = try await server.connect()

            #expect(first["type"] == "check_connection")
            #expect(first.map?.count == 2)
            #expect((first["token"]?.text?.utf8.count ?? 0) >= 32)
            #expect(first["token"]?.text != second.token)
        }
    }

    @Test func rightAnswerToTheChallengeLogsIn() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("alice", email: "alice@example.org")
            let client = try await server.connect()
            let answer = try await client.request(
                .authorize(login: "Alice", proof: client.proof(of: ChatUnderTest.password)))

            #expect(answer.status == "200 OK")
            #expect(answer.type == "authorize")
            #expect(answer.sessionID?.isEmpty == false)
            let user = try #require(answer.user)
            #expect(user.login == "alice")
            #expect(user.email == "alice@example.org")
            #expect(user.isOnline)
            #expect(try await client.request(.getContacts).contacts == [])
        }
    }

    @Test func wrongPasswordAndUnknownLoginAreAnsweredAlike() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("alice")
            let client = try await server.connect()
            let wrong = try await client.request(.authorize(login: "alice", proof: client.proof(of: "wrong")))
            let unknown = try await client.request(.authorize(login: "nobody", proof: client.proof(of: "wrong")))
            let plain = try await client.request(.authorize(login: "alice", proof: ChatUnderTest.password))

            #expect(wrong.code == 401)
            #expect((unknown.status, unknown.info) == (wrong.status, wrong.info))
            #expect(plain.code == 401)
            // The token is not used up by that.
            try await client.authorize(login: "alice", password: ChatUnderTest.password)
        }
    }

    @Test func proofOfAnotherConnectionIsWorthNothing() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("alice")
            let first = try await server.connect()
            let second = try await server.connect()
            let proof = first.proof(of: ChatUnderTest.password)

            #expect(try await second.request(.authorize(login: "alice", proof: proof)).code == 401)
            #expect(try await first.request(.authorize(login: "alice", proof: proof)).code == 200)
        }
    }

    @Test func failedLogInsAreSlowedDown() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("alice")
            let client = try await server.connect()
            var codes: [Int] = []
            for _ in 0..<7 {
                codes.append(
                    try await client.request(.authorize(login: "alice", proof: client.proof(of: "wrong"))).code)
            }

            #expect(codes.first == 401)
            #expect(codes.last == 429)
        }
    }

    @Test func accountWithoutASecretIsToldWhatToDo() async throws {
        try await SkaroServer.with { server in
            // An account that was made while skaro was off.
            try await server.test.withAnother(policy: ChatPolicy()) { other in
                _ = try await other.register(
                    login: "alice", password: Password(ChatUnderTest.password), username: nil, email: nil,
                    from: ChatUnderTest.origin)
            }
            let client = try await server.connect()
            let proof = client.proof(of: ChatUnderTest.password)
            let answer = try await client.request(.authorize(login: "alice", proof: proof))
            #expect(answer.code == 401)
            #expect(answer.info?.contains("another protocol") == true)

            try await server.test.logIn("alice")

            #expect(try await client.request(.authorize(login: "alice", proof: proof)).code == 200)
        }
    }

    @Test func connectionServesOneSession() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let proof = alice.client.proof(of: ChatUnderTest.password)

            #expect(try await alice.refusal(.authorize(login: "alice", proof: proof)) == 403)
            #expect(try await alice.refusal(.sessionRestore(sid: alice.session)) == 403)
            #expect(try await alice.ask(.getContacts).contacts == [])
        }
    }

    @Test(
        arguments: SkaroMethod.allCases.filter(\.needsAuthorization)
    ) func requestNeedsALogIn(_ method: SkaroMethod) async throws {
        try await SkaroServer.with { server in
            let client = try await server.connect()
            // Without its fields: who asks is checked first.
            let answer = try await client.request(["type": .text(method.rawValue)])

            #expect(answer.status == "401 Unauthorized")
            #expect(answer.type == method.rawValue)
        }
    }

    // MARK: Registration

    @Test func registeredAccountLogsInAndLeavesNoOtherSession() async throws {
        try await SkaroServer.with { server in
            let client = try await server.connect()
            let answer = try await client.request(
                .register(
                    SkaroRegistration(
                        login: "alice", password: "correct horse", name: "Alice", email: "alice@example.org")))
            #expect(answer.status == "200 OK")
            #expect(answer.user?.name == "Alice")
            #expect(answer.user?.email == "alice@example.org")
            #expect(answer.sessionID == nil)
            #expect(try await client.request(.getContacts).code == 401)

            try await client.authorize(login: "alice", password: "correct horse")

            let user = try #require(try await server.chat.storage.user(loginKey: "alice"))
            let sessions = try await server.chat.storage.sessions(of: user.id).filter { $0.revoked == nil }
            #expect(sessions.map(\.protocol) == ["skaro"])
        }
    }

    @Test func registrationIsRefusedWithItsReason() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("alice")
            let client = try await server.connect()
            func code(_ login: String, _ password: String, name: String? = nil) async throws -> Int {
                try await client.request(
                    .register(SkaroRegistration(login: login, password: password, name: name))
                ).code
            }

            #expect(try await code("ALICE", "secret") == 409)
            #expect(try await code("", "secret") == 400)
            #expect(try await code("bob", "") == 400)
            #expect(try await code("bo\u{7}b", "secret") == 400)
            #expect(try await code(String(repeating: "b", count: 256), "secret") == 413)
            #expect(try await code("bob", "secret", name: String(repeating: "b", count: 256)) == 413)
            #expect(try await code("bob", "secret", name: "b\0b") == 400)
            #expect(try await code("bob", "secret") == 200)
        }
    }

    @Test(
        arguments: [(ChatPolicy.Registration.open, "open", 200), (.invite, "invite", 403), (.closed, "closed", 403)])
    func registrationModeIsTold(_ mode: ChatPolicy.Registration, _ name: String, _ code: Int) async throws {
        var policy = SkaroServer.policy
        policy.registration = mode
        try await SkaroServer.with(policy: policy) { server in
            let client = try await server.connect()

            #expect(try await client.request(.registerType).registerType == name)
            let answer = try await client.request(.register(SkaroRegistration(login: "alice", password: "secret")))
            #expect(answer.code == code)
        }
    }

    @Test func inviteIsGoodForAsManyAccountsAsItSays() async throws {
        var policy = SkaroServer.policy
        policy.registration = .invite
        try await SkaroServer.with(policy: policy) { server in
            _ = try await server.chat.write(Write.CreateInvite(codeHash: TokenHash(of: "k3y").bytes, uses: 2), by: nil)
            let client = try await server.connect()
            func code(_ login: String, _ invite: String) async throws -> Int {
                try await client.request(
                    .register(SkaroRegistration(login: login, password: "secret", invite: invite))
                ).code
            }

            #expect(try await code("alice", "other") == 403)
            #expect(try await code("alice", "k3y") == 200)
            #expect(try await code("bob", "k3y") == 200)
            #expect(try await code("carol", "k3y") == 403)
            try await client.authorize(login: "bob", password: "secret")
        }
    }
}

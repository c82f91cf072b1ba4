// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import TestSupport
import Testing

/// Logins by the answer to a challenge that is keyed with the password.
@Suite(.timeLimit(.minutes(10))) struct ChallengeTests {
    private static func policy(key: UInt8 = 7) -> ChatPolicy {
        var policy = ChatPolicy()
        policy.sealer = Sealer(keys: [[UInt8](repeating: key, count: 32)])
        return policy
    }

    private static func logIn(
        _ login: String, password: String = ChatUnderTest.password, challenge: String = "challenge",
        address: String = "192.0.2.1", to chat: Chat
    ) async throws -> NewLogIn {
        try await chat.logIn(
            login: login, answer: HMACChallenge(Password(password)).answer(to: challenge), to: "challenge",
            from: Origin(protocol: "test", address: address))
    }

    @Test(arguments: StorageKind.engines) func theRightAnswerLogsIn(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            let registered = try await test.register("Alice").principal

            let logIn = try await Self.logIn("alice", to: test.chat)

            #expect(logIn.principal.user == registered.user)
            #expect(logIn.principal.session != registered.session)
            #expect(
                try await test.chat.principal(uuid: registered.uuid, token: TokenHash(of: logIn.token))
                    == logIn.principal)
            await #expect(throws: ChatError.wrongPassword) {
                try await Self.logIn("alice", password: "wrong", to: test.chat)
            }
            await #expect(throws: ChatError.wrongPassword) {
                try await Self.logIn("alice", challenge: "an older one", to: test.chat)
            }
            await #expect(throws: ChatError.noSuchLogin) { try await Self.logIn("bob", to: test.chat) }
            await #expect(throws: ChatError.noSuchLogin) { try await Self.logIn("alice\0", to: test.chat) }
            await #expect(throws: ChatError.credentialsMissing) { try await Self.logIn("", to: test.chat) }
        }
    }

    @Test func wrongAnswersAreSlowedDownLikeWrongPasswords() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            try await test.register("alice")
            // At the generous rate of where the account was made.
            for _ in 0..<30 {
                await #expect(throws: ChatError.wrongPassword) {
                    try await Self.logIn("alice", password: "guess", to: test.chat)
                }
            }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) {
                try await Self.logIn("alice", to: test.chat)
            }
            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) { try await test.logIn("alice") }
            test.clock.advance(by: .seconds(2))
            _ = try await Self.logIn("alice", to: test.chat)
        }
    }

    @Test(arguments: StorageKind.engines) func aPasswordSeenLaterMakesItPossible(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            try await test.register("alice")
            await #expect(throws: ChatError.challengeUnavailable) { try await Self.logIn("alice", to: test.chat) }

            try await test.withAnother(policy: Self.policy()) { chat in
                await #expect(throws: ChatError.challengeUnavailable) { try await Self.logIn("alice", to: chat) }
                // Without counting as guesses.
                for _ in 0..<10 { _ = try? await Self.logIn("alice", to: chat) }
                _ = try await chat.logIn(
                    login: "alice", password: Password(ChatUnderTest.password), from: ChatUnderTest.origin)
                _ = try await Self.logIn("alice", to: chat)
            }
            // Sealed under another key.
            try await test.withAnother(policy: Self.policy(key: 8)) { chat in
                await #expect(throws: ChatError.challengeUnavailable) { try await Self.logIn("alice", to: chat) }
            }
            // Switched off again.
            await #expect(throws: ChatError.challengeUnavailable) { try await Self.logIn("alice", to: test.chat) }
        }
    }

    @Test(arguments: StorageKind.engines) func aNewPasswordTakesItsPlace(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            let alice = try await test.register("alice").principal
            let new = Password("new one")
            let hash = try await test.chat.hash(new)

            _ = try await test.chat.write(
                Write.SetPassword(
                    alice.user, hash: hash, keeping: nil,
                    challengeSecret: test.chat.challengeSecret(new, of: alice.uuid)),
                by: nil)
            await #expect(throws: ChatError.wrongPassword) { try await Self.logIn("alice", to: test.chat) }
            _ = try await Self.logIn("alice", password: "new one", to: test.chat)
            _ = try await test.chat.write(Write.SetPassword(alice.user, hash: hash, keeping: nil), by: nil)

            await #expect(throws: ChatError.challengeUnavailable) {
                try await Self.logIn("alice", password: "new one", to: test.chat)
            }
        }
    }

    /// The answer was checked against the old password; the new one is stored before the session.
    @Test(arguments: StorageKind.engines) func aPasswordChangedMeanwhileRefusesTheAnswer(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            let alice = try await test.register("alice").principal
            let hash = try await test.chat.hash(Password("new one"))
            let change = Write(
                Write.SetPassword(alice.user, hash: hash, keeping: nil),
                by: WriteOrigin(uuid: test.chat.newIdentifier(), author: nil))
            test.engine.beforeNextWrite { [direct = test.direct] in _ = try? await direct.commit([change]) }

            await #expect(throws: ChatError.wrongPassword) { try await Self.logIn("alice", to: test.chat) }
        }
    }

    @Test func aSecretOfAnotherAccountIsOfNoUse() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            let people = try await test.registerAll("alice", "bob")
            let alices = try #require(try await test.storage.user(people[0].user)?.challengeSecret)

            _ = try await test.chat.write(Write.SetChallengeSecret(people[1].user, alices), by: nil)

            await #expect(throws: ChatError.challengeUnavailable) { try await Self.logIn("bob", to: test.chat) }
        }
    }
}

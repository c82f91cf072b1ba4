// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import TestSupport
import Testing

/// Signing in, the slow-down of those who guess, and what becomes of old hashes.
@Suite(.timeLimit(.minutes(10))) struct LogInTests {
    @Test(arguments: StorageKind.engines) func theLoginIsFoundHoweverItIsWritten(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let registered = try await test.register("Ren\u{E9}").principal

            for login in ["Ren\u{E9}", "REN\u{C9}", "rene\u{301}"] {
                let logIn = try await test.logIn(login)
                #expect(logIn.principal.user == registered.user)
                #expect(logIn.principal.uuid == registered.uuid)
                #expect(logIn.principal.session != registered.session)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func refusals(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            try await test.register("alice")

            await #expect(throws: ChatError.wrongPassword) { try await test.logIn("alice", password: "wrong") }
            await #expect(throws: ChatError.noSuchLogin) { try await test.logIn("bob") }
            await #expect(throws: ChatError.noSuchLogin) { try await test.logIn("alice\0") }
            await #expect(throws: ChatError.noSuchLogin) { try await test.logIn(String(repeating: "a", count: 256)) }
            await #expect(throws: ChatError.credentialsMissing) { try await test.logIn("") }
            await #expect(throws: ChatError.credentialsMissing) { try await test.logIn("alice", password: "") }
            // Longer than any password can be.
            await #expect(throws: ChatError.wrongPassword) {
                try await test.logIn("alice", password: String(repeating: "x", count: 5000), address: "192.0.2.7")
            }
        }
    }

    @Test(arguments: StorageKind.engines) func whoDeletedTheirAccountCannotLogIn(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            try await test.chat.deleteAccount(
                of: alice, login: "alice", password: Password(ChatUnderTest.password), from: ChatUnderTest.origin)

            for login in ["alice", UserRecord.deletedName, "\u{1}deleted \(alice.user.rawValue)"] {
                await #expect(throws: ChatError.noSuchLogin) { try await test.logIn(login, password: "deleted") }
            }
        }
    }

    @Test func afterFiveFailuresOneWaits() async throws {
        try await ChatUnderTest.with { test in
            try await test.register("alice")
            // Where the account was never seen.
            let away = "198.51.100.1"
            for _ in 0..<5 {
                await #expect(throws: ChatError.wrongPassword) {
                    try await test.logIn("alice", password: "guess", address: away)
                }
            }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) {
                try await test.logIn("ALICE", address: away)
            }
            test.clock.advance(by: .seconds(1))
            await #expect(throws: ChatError.wrongPassword) {
                try await test.logIn("alice", password: "guess", address: away)
            }

            // The sixth failure: two seconds.
            test.clock.advance(by: .milliseconds(1500))
            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) {
                try await test.logIn("alice", address: away)
            }
            test.clock.advance(by: .milliseconds(500))
            try await test.logIn("alice", address: away)
        }
    }

    @Test func waitingIsPerAddressAndAccount() async throws {
        try await ChatUnderTest.with { test in
            _ = try await test.registerAll("alice", "bob")
            for _ in 0..<5 {
                await #expect(throws: ChatError.wrongPassword) {
                    try await test.logIn("alice", password: "guess", address: "198.51.100.1")
                }
            }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) {
                try await test.logIn("alice", address: "198.51.100.1")
            }
            try await test.logIn("bob", address: "198.51.100.1")
            try await test.logIn("alice", address: "198.51.100.2")
        }
    }

    @Test func anAddressThatSucceededBeforeNeverWaits() async throws {
        try await ChatUnderTest.with { test in
            try await test.register("alice")
            try await test.logIn("alice")

            for _ in 0..<12 {
                await #expect(throws: ChatError.wrongPassword) {
                    try await test.logIn("alice", password: "typing error")
                }
            }

            try await test.logIn("alice")
        }
    }

    @Test func unknownLoginsAreSlowedDownAsWell() async throws {
        try await ChatUnderTest.with { test in
            for _ in 0..<5 { await #expect(throws: ChatError.noSuchLogin) { try await test.logIn("nobody") } }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) { try await test.logIn("nobody") }
        }
    }

    @Test func guessingThePasswordOfADeletionIsSlowedDown() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            // At the generous rate of where the account was made.
            for _ in 0..<30 {
                await #expect(throws: ChatError.wrongPassword) {
                    try await test.chat.deleteAccount(
                        of: alice, login: "alice", password: Password("guess"), from: ChatUnderTest.origin)
                }
            }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) { try await test.logIn("alice") }
        }
    }

    // MARK: Old hashes

    private static func oldHash(of password: String) throws -> String {
        try LegacyHash(password: Password(password), salt: Array(1...16), key: Array(1...20)).stored
    }

    /// Makes an account as an import would, with the hash of the reference design.
    private static func importUser(_ login: String, hash: String, into chat: Chat) async throws -> UserID {
        let user = NewUser(
            uuid: chat.newIdentifier(), login: login, loginKey: Login.key(of: login), username: login,
            passwordHash: hash)
        let receipt = try await chat.write(Write.CreateUser(user), by: nil)
        return try receipt.userID
    }

    @Test(arguments: StorageKind.engines) func aLogInUpgradesAnOldHash(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let user = try await Self.importUser(
                "alice", hash: Self.oldHash(of: ChatUnderTest.password), into: test.chat)

            let first = try await test.logIn("alice")

            let stored = try #require(try await test.storage.user(user)).passwordHash
            #expect(stored.hasPrefix("$argon2id$"))
            let second = try await test.logIn("alice")
            #expect(try await test.storage.user(user)?.passwordHash == stored)
            for logIn in [first, second] {
                let principal = try await test.chat.principal(
                    uuid: logIn.principal.uuid, token: TokenHash(of: logIn.token))
                #expect(principal.session == logIn.principal.session)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aWrongPasswordLeavesAnOldHashAlone(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let hash = try Self.oldHash(of: ChatUnderTest.password)
            let user = try await Self.importUser("alice", hash: hash, into: test.chat)

            await #expect(throws: ChatError.wrongPassword) { try await test.logIn("alice", password: "wrong") }

            #expect(try await test.storage.user(user)?.passwordHash == hash)
        }
    }

    @Test(arguments: StorageKind.engines) func aPasswordChangedMeanwhileIsNotOverwritten(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let user = try await Self.importUser(
                "alice", hash: Self.oldHash(of: ChatUnderTest.password), into: test.chat)
            let newHash = try await test.chat.hash(Password("the new one"))
            // The login has checked the old password and is about to store its better hash.
            test.engine.beforeNextWrite { [direct = test.direct, uuid = test.chat.newIdentifier()] in
                let change = Write(
                    Write.SetPassword(user, hash: newHash, keeping: nil), by: WriteOrigin(uuid: uuid, author: nil))
                _ = try? await direct.commit([change])
            }
            _ = try? await test.logIn("alice")

            #expect(try await test.storage.user(user)?.passwordHash == newHash)
            try await test.logIn("alice", password: "the new one", address: "192.0.2.9")
        }
    }

    @Test func aHashThatNobodyCanReadIsAWrongPassword() async throws {
        try await ChatUnderTest.with { test in
            _ = try await Self.importUser("alice", hash: "deleted", into: test.chat)

            await #expect(throws: ChatError.wrongPassword) { try await test.logIn("alice", password: "deleted") }
        }
    }
}

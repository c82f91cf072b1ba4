// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// New accounts: who gets one, and what it looks like.
@Suite(.timeLimit(.minutes(10))) struct RegistrationTests {
    private static let origin = ChatUnderTest.origin

    @Test(arguments: StorageKind.engines) func aNewAccountIsLoggedIn(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let logIn = try await test.register("Alice", email: "alice@example.org")

            let principal = try await test.chat.principal(uuid: logIn.principal.uuid, token: TokenHash(of: logIn.token))
            #expect(principal == logIn.principal)
            #expect(logIn.lifetimeSeconds == test.chat.policy.tokenLifetimeSeconds)
            let user = try await test.chat.user(principal)
            #expect(user.login == "Alice")
            #expect(user.username == "Alice")
            #expect(user.email == "alice@example.org")
            #expect(user.isBot == false)
            #expect(user.passwordHash.hasPrefix("$argon2id$"))
            #expect(!user.passwordHash.contains(ChatUnderTest.password))
        }
    }

    @Test(arguments: StorageKind.engines) func whenClosedNobodyRegisters(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: ChatPolicy(isRegistrationOpen: false)) { test in
            await #expect(throws: ChatError.registrationClosed) { try await test.register("alice") }

            let counts = try await test.storage.counts()
            #expect(counts.users == 0)
        }
    }

    @Test(arguments: StorageKind.engines) func closingRegistrationLeavesThoseInWhoAreThere(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            try await test.register("alice")

            try await test.withAnother(policy: ChatPolicy(isRegistrationOpen: false)) { closed in
                let password = Password(ChatUnderTest.password)
                _ = try await closed.logIn(login: "alice", password: password, from: Self.origin)
                await #expect(throws: ChatError.registrationClosed) {
                    try await closed.register(
                        login: "bob", password: password, username: nil, email: nil, from: Self.origin)
                }
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aLoginBelongsToOneAccount(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            try await test.register("caf\u{E9}")

            for login in ["caf\u{E9}", "CAF\u{C9}", "cafe\u{301}"] {
                await #expect(throws: ChatError.loginTaken) { try await test.register(login) }
            }
            #expect(try await test.storage.counts().users == 1)
        }
    }

    @Test(arguments: StorageKind.engines) func ofManyAtOnceOneGetsTheLogin(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let winners = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        do {
                            try await test.register(number.isMultiple(of: 2) ? "alice" : "ALICE")
                            return true
                        } catch {
                            return error as? ChatError != .loginTaken
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }

            let counts = try await test.storage.counts()
            #expect(winners == 1)
            #expect(counts.users == 1)
        }
    }

    @Test func whatIsTooLongOrCannotBeStoredIsRefused() async throws {
        try await ChatUnderTest.with { test in
            func register(
                _ login: String = "alice", password: String = "secret", username: String? = nil, email: String? = nil
            ) async throws -> NewLogIn {
                try await test.chat.register(
                    login: login, password: Password(password), username: username, email: email, from: Self.origin)
            }
            func letters(_ count: Int) -> String { String(repeating: "x", count: count) }

            await #expect(throws: ChatError.credentialsMissing) { try await register("") }
            await #expect(throws: ChatError.credentialsMissing) { try await register(password: "") }
            await #expect(throws: ChatError.tooLong(field: "login", limit: 255)) { try await register(letters(256)) }
            await #expect(throws: ChatError.tooLong(field: "password", limit: 4096)) {
                try await register(password: letters(4097))
            }
            await #expect(throws: ChatError.tooLong(field: "username", limit: 255)) {
                try await register(username: letters(256))
            }
            await #expect(throws: ChatError.tooLong(field: "email", limit: 318)) {
                try await register(email: letters(319))
            }
            await #expect(throws: ChatError.nullCharacter(field: "username")) { try await register(username: "a\0b") }
            await #expect(throws: ChatError.nullCharacter(field: "email")) { try await register(email: "a\0b") }
            for email in ["nowhere", "a@b", "a@-b.org"] {
                await #expect(throws: ChatError.invalidEmail) { try await register(email: email) }
            }
            #expect(try await test.storage.counts().users == 0)

            let address = letters(64) + "@" + letters(63) + "." + letters(63) + "." + letters(63) + "." + letters(61)
            _ = try await register(letters(255), password: letters(4096), username: letters(255), email: address)
            #expect(try await test.storage.counts().users == 1)
        }
    }

    @Test(arguments: StorageKind.engines) func aDeletedAccountsLoginIsFreeAgain(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let first = try await test.register("alice").principal
            try await test.chat.deleteAccount(
                of: first, login: "ALICE", password: Password(ChatUnderTest.password), from: Self.origin)

            let second = try await test.register("alice").principal

            #expect(second.user != first.user)
            #expect(second.uuid != first.uuid)
            let left = try await test.chat.users([first.uuid])[0]
            #expect(left.login == UserRecord.deletedName)
            #expect(left.username == UserRecord.deletedName)
            #expect(left.bio == "deleted")
            #expect(left.email == "")
            #expect(left.avatar == "")
        }
    }

    @Test func deletingTakesTheAccountsOwnLoginAndPassword() async throws {
        try await ChatUnderTest.with { test in
            let people = try await test.registerAll("alice", "bob")

            await #expect(throws: ChatError.wrongPassword) {
                try await test.chat.deleteAccount(
                    of: people[0], login: "bob", password: Password(ChatUnderTest.password), from: Self.origin)
            }
            await #expect(throws: ChatError.wrongPassword) {
                try await test.chat.deleteAccount(
                    of: people[0], login: "alice", password: Password("guess"), from: Self.origin)
            }
            await #expect(throws: ChatError.noSuchLogin) {
                try await test.chat.deleteAccount(
                    of: people[0], login: "carol", password: Password(ChatUnderTest.password), from: Self.origin)
            }
            #expect(try await test.storage.counts().users == 2)
        }
    }

    @Test(arguments: StorageKind.engines) func hiddenAndUnknownAccountsAreNotShown(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let hidden = try await test.chat.newUser(login: Login("bot"), password: Password("secret"), isHidden: true)
            _ = try await test.chat.write(Write.CreateUser(hidden), by: nil)

            let shown = try await test.chat.users([people[1].uuid, people[0].uuid])

            #expect(shown.map(\.login) == ["bob", "alice"])
            await #expect(throws: ChatError.noSuchUser) { try await test.chat.users([people[0].uuid, hidden.uuid]) }
            await #expect(throws: ChatError.noSuchUser) { try await test.chat.users([Identifier(42)]) }
        }
    }
}

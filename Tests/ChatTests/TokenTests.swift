// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Tokens: who they stand for, and for how long.
@Suite(.timeLimit(.minutes(10))) struct TokenTests {
    private static func principal(of logIn: NewLogIn, in test: ChatUnderTest) async throws -> Principal {
        try await test.chat.principal(uuid: logIn.principal.uuid, token: TokenHash(of: logIn.token))
    }

    @Test(arguments: StorageKind.engines) func eachLogInHasATokenOfItsOwn(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let first = try await test.register("alice")
            let second = try await test.logIn("alice")

            #expect(first.token != second.token)
            #expect(try await Self.principal(of: first, in: test).session == first.principal.session)
            #expect(try await Self.principal(of: second, in: test).session == second.principal.session)
        }
    }

    @Test(arguments: StorageKind.engines) func anothersOrUnknownTokensAreUnknown(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice")
            let bob = try await test.register("bob")
            // Twice: from the store, then perhaps from memory.
            for _ in 0..<2 {
                await #expect(throws: ChatError.tokenUnknown) {
                    try await test.chat.principal(uuid: bob.principal.uuid, token: TokenHash(of: alice.token))
                }
                _ = try await Self.principal(of: alice, in: test)
            }
            await #expect(throws: ChatError.tokenUnknown) {
                try await test.chat.principal(uuid: alice.principal.uuid, token: TokenHash(of: alice.token + "0"))
            }
            await #expect(throws: ChatError.tokenUnknown) {
                try await test.chat.principal(uuid: alice.principal.uuid, token: TokenHash(of: ""))
            }
        }
    }

    @Test(arguments: StorageKind.engines, [true, false])
    func aTokenExpires(on kind: StorageKind, usedBefore: Bool) async throws {
        try await ChatUnderTest.with(kind, policy: ChatPolicy(tokenLifetimeSeconds: 60)) { test in
            let logIn = try await test.register("alice")
            if usedBefore { _ = try await Self.principal(of: logIn, in: test) }

            test.wallClock.advance(milliseconds: 59_999)
            #expect(try await Self.principal(of: logIn, in: test) == logIn.principal)
            test.wallClock.advance(milliseconds: 1)
            await #expect(throws: ChatError.tokenExpired) { try await Self.principal(of: logIn, in: test) }

            let next = try await test.logIn("alice")
            #expect(try await Self.principal(of: next, in: test) == next.principal)
        }
    }

    @Test(arguments: StorageKind.engines) func aRevokedTokenIsRefusedAtOnceAndOnlyThatOne(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let first = try await test.register("alice")
            let second = try await test.logIn("alice")
            for logIn in [first, second] { _ = try await Self.principal(of: logIn, in: test) }

            _ = try await test.chat.write(Write.RevokeSessions(first.principal.user, first.principal.session), by: nil)

            await #expect(throws: ChatError.tokenRevoked) { try await Self.principal(of: first, in: test) }
            #expect(try await Self.principal(of: second, in: test) == second.principal)
            _ = try await test.chat.write(Write.RevokeSessions(first.principal.user, nil), by: nil)
            await #expect(throws: ChatError.tokenRevoked) { try await Self.principal(of: second, in: test) }
        }
    }

    @Test(arguments: StorageKind.engines) func aNewPasswordRevokesTheOtherTokens(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let kept = try await test.register("alice")
            let other = try await test.logIn("alice")
            for logIn in [kept, other] { _ = try await Self.principal(of: logIn, in: test) }
            let hash = try await test.chat.hash(Password("new"))

            _ = try await test.chat.write(
                Write.SetPassword(kept.principal.user, hash: hash, keeping: kept.principal.session), by: nil)

            #expect(try await Self.principal(of: kept, in: test) == kept.principal)
            await #expect(throws: ChatError.tokenRevoked) { try await Self.principal(of: other, in: test) }
            await #expect(throws: ChatError.wrongPassword) { try await test.logIn("alice") }
            try await test.logIn("alice", password: "new")
        }
    }

    @Test(arguments: StorageKind.engines) func aDeletedAccountsTokensAreRefused(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let used = try await test.register("alice")
            let unused = try await test.logIn("alice")
            _ = try await Self.principal(of: used, in: test)

            try await test.chat.deleteAccount(
                of: used.principal, login: "alice", password: Password(ChatUnderTest.password),
                from: ChatUnderTest.origin)

            for logIn in [used, unused] {
                await #expect(throws: ChatError.accountDeleted) { try await Self.principal(of: logIn, in: test) }
            }
        }
    }

    /// The end of a login that races with a revocation: what was read before must not be remembered after.
    @Test func aReadThatARevocationOvertookIsNotRemembered() async throws {
        try await ChatUnderTest.with { test in
            let logIn = try await test.register("alice")
            test.engine.afterNextRead { [chat = test.chat, user = logIn.principal.user] in
                _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil)
            }

            // This request was judged before the revocation; the next one is not.
            _ = try await Self.principal(of: logIn, in: test)

            await #expect(throws: ChatError.tokenRevoked) { try await Self.principal(of: logIn, in: test) }
        }
    }

    @Test(arguments: StorageKind.engines) func aSessionOfTheServersOwnHasTheLifetimeItAskedFor(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let user = try await test.chat.user(alice)

            let logIn = try await test.chat.openSession(for: user, lifetimeSeconds: 5, from: ChatUnderTest.origin)

            #expect(logIn.lifetimeSeconds == 5)
            #expect(try await Self.principal(of: logIn, in: test) == logIn.principal)
            test.wallClock.advance(milliseconds: 5000)
            await #expect(throws: ChatError.tokenExpired) { try await Self.principal(of: logIn, in: test) }
        }
    }

    @Test func tokensAreAsLongAsTheSettingsSay() async throws {
        try await ChatUnderTest.with(policy: ChatPolicy(tokenBytes: 32)) { test in
            let logIn = try await test.register("alice")

            #expect(logIn.token.count == 64)
            #expect(logIn.token.allSatisfy { $0.isHexDigit })
        }
    }
}

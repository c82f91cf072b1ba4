// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Registration with a code.
@Suite(.timeLimit(.minutes(10))) struct InviteTests {
    private static var policy: ChatPolicy {
        var policy = ChatPolicy()
        policy.registration = .invite
        return policy
    }

    private static func invite(
        _ code: String, uses: Int64 = 1, expires: Timestamp? = nil, in test: ChatUnderTest
    ) async throws {
        _ = try await test.chat.write(
            Write.CreateInvite(codeHash: TokenHash(of: code).bytes, uses: uses, expires: expires), by: nil)
    }

    @discardableResult
    private static func register(_ login: String, with code: String?, in test: ChatUnderTest) async throws -> NewLogIn {
        try await test.chat.register(
            login: login, password: Password("secret"), username: nil, email: nil, invite: code,
            from: ChatUnderTest.origin)
    }

    private static func usesLeft(of code: String, in test: ChatUnderTest) async throws -> Int64? {
        try await test.storage.invite(codeHash: TokenHash(of: code).bytes)?.usesLeft
    }

    @Test(arguments: StorageKind.engines) func aCodeIsNeeded(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            try await Self.invite("code", in: test)

            await #expect(throws: ChatError.inviteNeeded) { try await Self.register("alice", with: nil, in: test) }
            await #expect(throws: ChatError.inviteNeeded) { try await Self.register("alice", with: "", in: test) }
            await #expect(throws: ChatError.inviteInvalid) { try await Self.register("alice", with: "Code", in: test) }
            #expect(try await test.storage.user(loginKey: "alice") == nil)
            let logIn = try await Self.register("alice", with: "code", in: test)

            #expect(
                try await test.chat.principal(uuid: logIn.principal.uuid, token: TokenHash(of: logIn.token))
                    == logIn.principal)
            await #expect(throws: ChatError.inviteInvalid) { try await Self.register("bob", with: "code", in: test) }
        }
    }

    @Test(arguments: StorageKind.engines) func ofManyAtOnceExactlyOneUsesIt(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            try await Self.invite("code", in: test)

            let outcomes = await withTaskGroup(of: (Int, ChatError?).self) { group in
                for number in 0..<20 {
                    group.addTask {
                        do {
                            try await Self.register("user \(number)", with: "code", in: test)
                            return (number, nil)
                        } catch {
                            return (number, error as? ChatError ?? .internalFailure)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            let winners = outcomes.filter { $0.1 == nil }.map(\.0)
            #expect(winners.count == 1)
            #expect(outcomes.filter { $0.1 == .inviteInvalid }.count == 19)
            for number in 0..<20 {
                let isThere = try await test.storage.user(loginKey: "user \(number)") != nil
                #expect(isThere == winners.contains(number))
            }
            let record = try #require(try await test.storage.invite(codeHash: TokenHash(of: "code").bytes))
            #expect(record.usesLeft == 0)
            #expect(record.used == 1)
        }
    }

    @Test(arguments: StorageKind.engines) func aCodeForManyIsForSoMany(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            try await Self.invite("code", uses: 3, in: test)

            for number in 0..<2 { try await Self.register("user \(number)", with: "code", in: test) }
            // Whoever is refused for another reason uses nothing up.
            await #expect(throws: ChatError.loginTaken) { try await Self.register("USER 0", with: "code", in: test) }
            await #expect(throws: ChatError.credentialsMissing) { try await Self.register("", with: "code", in: test) }
            #expect(try await Self.usesLeft(of: "code", in: test) == 1)
            try await Self.register("user 2", with: "code", in: test)

            await #expect(throws: ChatError.inviteInvalid) { try await Self.register("user 3", with: "code", in: test) }
        }
    }

    @Test(arguments: StorageKind.engines) func ofManyWhoWantOneLoginOneUsesACode(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            try await Self.invite("code", uses: 100, in: test)

            let refusals = await withTaskGroup(of: ChatError?.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        do {
                            try await Self.register("alice", with: "code", in: test)
                            return nil
                        } catch {
                            return error as? ChatError ?? .internalFailure
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(refusals.filter { $0 == nil }.count == 1)
            #expect(refusals.filter { $0 == .loginTaken }.count == 7)
            #expect(try await Self.usesLeft(of: "code", in: test) == 99)
        }
    }

    @Test(arguments: StorageKind.engines) func whatExpiredOrWasRevokedIsOfNoUse(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            let end = Timestamp(milliseconds: test.wallClock.now.milliseconds + 1000)
            try await Self.invite("short", uses: 10, expires: end, in: test)
            try await Self.invite("taken back", uses: 10, in: test)

            test.wallClock.advance(milliseconds: 999)
            try await Self.register("alice", with: "short", in: test)
            try await Self.register("bob", with: "taken back", in: test)
            test.wallClock.advance(milliseconds: 1)
            _ = try await test.chat.write(Write.RevokeInvite(TokenHash(of: "taken back").bytes), by: nil)

            for code in ["short", "taken back"] {
                await #expect(throws: ChatError.inviteInvalid) {
                    try await Self.register("carol", with: code, in: test)
                }
            }
        }
    }

    /// The check before the password is only to spare the work.
    @Test(arguments: StorageKind.engines) func aCodeThatIsRevokedMeanwhileIsOfNoUse(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            try await Self.invite("code", in: test)
            let revocation = Write(
                Write.RevokeInvite(TokenHash(of: "code").bytes),
                by: WriteOrigin(uuid: test.chat.newIdentifier(), author: nil))
            test.engine.beforeNextWrite { [direct = test.direct] in _ = try? await direct.commit([revocation]) }

            await #expect(throws: ChatError.inviteInvalid) { try await Self.register("alice", with: "code", in: test) }

            #expect(try await test.storage.user(loginKey: "alice") == nil)
        }
    }

    @Test func withoutTheModeACodeIsNotLookedAt() async throws {
        try await ChatUnderTest.with { test in
            try await Self.invite("code", in: test)

            try await Self.register("alice", with: "code", in: test)
            try await Self.register("bob", with: "unknown", in: test)

            #expect(try await Self.usesLeft(of: "code", in: test) == 1)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct AccountSecretTests {
    private func session(_ byte: UInt8) -> NewSession {
        NewSession(
            tokenHash: [UInt8](repeating: byte, count: 32), protocol: "mtp", address: "127.0.0.1", lifetimeSeconds: 60)
    }

    @Test(arguments: StorageKind.available)
    func aLoginThatIsANumberIsTheFastChatNumber(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let own: [(String, Int64)] = [("7", 7), ("0", 0), ("999999999", 999_999_999)]
            let others = [
                "alice", "007", "00", "1000000000", "12345678901234567890", "7 ", "-7", "+7", "7x", "٣", "７", "1.0",
            ]
            for (login, number) in own {
                let user = try await test.createUser(login)
                #expect(try await test.storage.user(user)?.publicNumber == number)
                #expect(try await test.storage.user(publicNumber: number)?.id == user)
            }
            for login in others {
                let user = try await test.createUser(login)
                #expect(try await test.storage.user(user)?.publicNumber == 1_000_000_000 + user.rawValue, "\(login)")
                #expect(try await test.storage.user(publicNumber: 1_000_000_000 + user.rawValue)?.id == user)
            }
            for number in [8, -1, 1_000_000_000, 2_000_000_000, .max, .min] as [Int64] {
                #expect(try await test.storage.user(publicNumber: number) == nil)
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func theFastChatNumberFollowsTheLogin(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let first = try await test.createUser("7")
            try await test.done(Write.UpdateUser(first, UserChanges(login: ("alice", "alice"))))
            let second = try await test.createUser("7")

            #expect(try await test.storage.user(publicNumber: 7)?.id == second)
            #expect(try await test.storage.user(first)?.publicNumber == 1_000_000_000 + first.rawValue)
            try await test.done(Write.DeleteUser(second))
            #expect(try await test.storage.user(publicNumber: 7) == nil)
            let third = try await test.createUser("7")
            #expect(try await test.storage.user(publicNumber: 7)?.id == third)
        }
    }

    @Test(arguments: StorageKind.available)
    func theChallengeSecretBelongsToThePassword(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            func secret(_ user: UserID) async throws -> [UInt8]? { try await test.storage.user(user)?.challengeSecret }
            var new = test.newUser("alice")
            new.challengeSecret = [1, 2, 3]
            let alice = try await test.done(Write.CreateUser(new)).userID
            let bob = try await test.createUser("bob")
            #expect(try await secret(alice) == [1, 2, 3])
            #expect(try await secret(bob) == nil)

            try await test.done(Write.SetChallengeSecret(bob, [4], verified: "hash of bob"))
            #expect(try await secret(bob) == [4])
            // The password was changed between the check and the write.
            #expect(try await test.done(Write.SetChallengeSecret(bob, [5], verified: "old hash")).existed)
            #expect(try await secret(bob) == [4])
            try await test.done(Write.SetChallengeSecret(bob, [6]))
            #expect(try await secret(bob) == [6])

            // The same password keeps it, another one takes it away or brings its own.
            try await test.done(Write.UpgradePasswordHash(bob, hash: "better"))
            #expect(try await secret(bob) == [6])
            try await test.done(Write.UpgradePasswordHash(bob, hash: "best", replacing: "better", challengeSecret: [7]))
            #expect(try await secret(bob) == [7])
            try await test.done(
                Write.UpgradePasswordHash(bob, hash: "worse", replacing: "better", challengeSecret: [8]))
            #expect(try await secret(bob) == [7])
            try await test.done(Write.SetPassword(bob, hash: "h", keeping: nil))
            #expect(try await secret(bob) == nil)
            try await test.done(Write.SetPassword(bob, hash: "h", keeping: nil, challengeSecret: [9]))
            #expect(try await secret(bob) == [9])
            try await test.done(Write.DeleteUser(bob))
            #expect(try await secret(bob) == nil)
            #expect(try await test.refusal(of: Write.SetChallengeSecret(bob, [1])) == .accountDeleted)
            #expect(try await test.refusal(of: Write.SetChallengeSecret(UserID(99), [1])) == .noSuchUser)
        }
    }

    @Test(arguments: StorageKind.available)
    func aLogInWithAPasswordThatWasChangedMeanwhileIsRefused(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let checked = try #require(try await test.storage.user(alice)).passwordHash

            // Both in one batch, the change first.
            let batch = try await test.storage.commit([
                test.write(Write.OpenSession(alice, session(1), verified: checked)),
                test.write(Write.SetPassword(alice, hash: "new", keeping: nil)),
                test.write(Write.OpenSession(alice, session(2), verified: checked)),
                test.write(Write.OpenSession(alice, session(3), verified: "new")),
                test.write(Write.OpenSession(alice, session(4))),
            ])

            #expect(batch.outcomes.map(\.refusal) == [nil, nil, .passwordChanged, nil, nil])
            #expect(try await test.storage.sessions(of: alice).count == 2)
            #expect(try await test.storage.session(tokenHash: session(2).tokenHash) == nil)
        }
    }
}

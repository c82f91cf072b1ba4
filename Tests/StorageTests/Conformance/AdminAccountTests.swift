// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// An administrator has the account that came with it: what happens to the one happens to the other.
struct AdminAccountTests {
    /// An account with an administrator of the same password, and another one with an administrator of its own.
    private func makeAdmins(_ test: StorageUnderTest) async throws -> UserID {
        let user = test.newUser("alice")
        try await test.done(
            Write.CreateUser(test.newUser("other"), admin: NewAdmin(username: "other", passwordHash: "other hash")))
        return try await test.done(
            Write.CreateUser(user, admin: NewAdmin(username: "root", passwordHash: user.passwordHash))
        ).userID
    }

    @Test(arguments: StorageKind.available)
    func aNewPasswordIsTheAdministratorsToo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await makeAdmins(test)

            try await test.done(Write.SetPassword(alice, hash: "new hash", keeping: nil))

            #expect(try await test.storage.admin(username: "root")?.passwordHash == "new hash")
            #expect(try await test.storage.admin(username: "root")?.user == alice)
            #expect(try await test.storage.admin(username: "other")?.passwordHash == "other hash")
        }
    }

    @Test(arguments: StorageKind.available)
    func theSamePasswordInAnotherFormIsTheAdministratorsToo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await makeAdmins(test)
            let old = try #require(try await test.storage.user(alice)).passwordHash

            try await test.done(Write.UpgradePasswordHash(alice, hash: "better hash", replacing: old))

            #expect(try await test.storage.admin(username: "root")?.passwordHash == "better hash")
            #expect(try await test.storage.admin(username: "other")?.passwordHash == "other hash")
        }
    }

    @Test(arguments: StorageKind.available)
    func aDeletedAccountIsNoAdministrator(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await makeAdmins(test)

            try await test.done(Write.DeleteUser(alice))

            #expect(try await test.storage.admins(limit: 10).map(\.username) == ["other"])
        }
    }

    @Test(arguments: StorageKind.available)
    func anAdministratorThatIsDeletedLeavesTheAccount(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await makeAdmins(test)

            try await test.done(Write.DeleteAdmin(username: "root"))

            #expect(try await test.storage.user(alice)?.deleted == nil)
        }
    }

    // MARK: Keys

    @Test(arguments: StorageKind.available)
    func anAccountComesWithItsKey(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            var user = test.newUser("alice")
            user.key = NewKey(kind: "fastchat", publicKey: "pem")

            let receipt = try await test.done(Write.CreateUser(user))

            let keys = try await test.storage.keys(of: [receipt.userID], kind: "fastchat")
            #expect(keys.map(\.publicKey) == ["pem"])
            #expect(keys.map(\.device) == [""])
            // One event: there is no moment between the account and its key.
            #expect(try await test.storage.head() == receipt.position)
        }
    }

    @Test(arguments: StorageKind.available)
    func aRefusedAccountLeavesNoKey(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            var user = test.newUser("alice")
            user.key = NewKey(kind: "fastchat", publicKey: "pem")

            #expect(try await test.refusal(of: Write.CreateUser(user)) == .loginTaken)

            #expect(try await test.storage.keys(of: [alice], kind: "fastchat").isEmpty)
        }
    }
}

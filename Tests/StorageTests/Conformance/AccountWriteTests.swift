// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct AccountWriteTests {
    private func session(_ byte: UInt8, lifetimeSeconds: Int64 = 60) -> NewSession {
        NewSession(
            tokenHash: [UInt8](repeating: byte, count: 32), protocol: "mtp", address: "127.0.0.1",
            lifetimeSeconds: lifetimeSeconds)
    }

    private func session(_ byte: UInt8, on test: StorageUnderTest) async throws -> SessionRecord? {
        try await test.storage.session(tokenHash: [UInt8](repeating: byte, count: 32))?.0
    }

    @Test(arguments: StorageKind.available)
    func anAccountHasAllItsFields(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let new = NewUser(
                uuid: test.newUUID(), login: "Ä\"l'ice;--", loginKey: "ä\"l'ice;--", username: "",
                passwordHash: "$argon2id$x",
                isBot: true, email: "a@b", avatar: "picture", bio: "🙂\n\\")

            let receipt = try await test.done(Write.CreateUser(new))

            let user = try #require(try await test.storage.user(try receipt.userID))
            #expect(user.uuid == new.uuid)
            #expect(user.login == new.login)
            #expect(user.loginKey == new.loginKey)
            #expect(user.username == "")
            #expect(user.passwordHash == new.passwordHash)
            #expect(user.isBot && !user.isHidden)
            #expect(user.email == "a@b" && user.avatar == "picture" && user.bio == "🙂\n\\")
            #expect(user.created == test.clock.now && user.deleted == nil)
            #expect(try await test.storage.user(uuid: new.uuid) == user)
            #expect(try await test.storage.user(loginKey: new.loginKey) == user)
            #expect(try await test.storage.user(loginKey: "nobody") == nil)
            #expect(try await test.storage.user(UserID(4711)) == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func aTakenLoginIsRefusedAndLeavesNothing(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await test.createUser("alice")
            let head = try await test.storage.head()

            let registration = Write.RegisterUser(test.newUser("Alice"), session: session(1))
            let withAdmin = Write.CreateUser(
                test.newUser("Alice"), admin: NewAdmin(username: "root", passwordHash: "h"))
            #expect(try await test.refusal(of: registration) == .loginTaken)
            #expect(try await test.refusal(of: withAdmin) == .loginTaken)

            #expect(try await test.storage.head() == head)
            #expect(try await session(1, on: test) == nil)
            #expect(try await test.storage.admin(username: "root") == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func anAccountComesWithItsSessionOrAdminRow(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let made = try await test.done(Write.RegisterUser(test.newUser("alice"), session: session(1))).result

            let found = try #require(try await session(1, on: test))
            #expect(found.id == made.session)
            #expect(found.user == made.user)
            #expect(found.expires.milliseconds == test.clock.now.milliseconds + 60_000)

            let admin = NewAdmin(username: "root", passwordHash: "hash")
            try await test.done(Write.CreateUser(test.newUser("carol"), admin: admin))
            #expect(try await test.storage.admin(username: "root")?.passwordHash == "hash")

            // An admin of that name refuses the account with it.
            let refusal = try await test.refusal(of: Write.CreateUser(test.newUser("bob"), admin: admin))
            #expect(refusal == .adminExists)
            #expect(try await test.storage.user(loginKey: "bob") == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func eachFieldChangesAlone(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            _ = try await test.createUser("bob")
            var expected = try #require(try await test.storage.user(alice))
            let changes: [(UserChanges, (inout UserRecord) -> Void)] = [
                (UserChanges(login: ("ALICE", "alice")), { $0.login = "ALICE" }),
                (UserChanges(login: ("carol", "carol")), { ($0.login, $0.loginKey) = ("carol", "carol") }),
                (UserChanges(username: "n"), { $0.username = "n" }), (UserChanges(email: "e"), { $0.email = "e" }),
                (UserChanges(avatar: "a"), { $0.avatar = "a" }), (UserChanges(bio: "b"), { $0.bio = "b" }),
                (UserChanges(isBot: true), { $0.isBot = true }), (UserChanges(), { _ in }),
            ]
            for (change, apply) in changes {
                try await test.done(Write.UpdateUser(alice, change))
                apply(&expected)
                #expect(try await test.storage.user(alice) == expected)
            }

            #expect(
                try await test.refusal(of: Write.UpdateUser(alice, UserChanges(login: ("BOB", "bob")))) == .loginTaken)
            #expect(try await test.refusal(of: Write.UpdateUser(UserID(99), UserChanges(bio: ""))) == .noSuchUser)
            #expect(try await test.storage.user(alice) == expected)
        }
    }

    @Test(arguments: StorageKind.available)
    func aNewPasswordEndsOtherSessions(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            for byte in UInt8(1)...3 { try await test.done(Write.OpenSession(alice, session(byte))) }
            try await test.done(Write.OpenSession(bob, session(4)))
            let kept = try #require(try await session(2, on: test))

            try await test.done(Write.SetPassword(alice, hash: "new", keeping: kept.id))

            #expect(try await test.storage.user(alice)?.passwordHash == "new")
            #expect(try await test.storage.sessions(of: alice).map(\.id) == [kept.id])
            #expect(try await test.storage.isLive(kept.id))
            #expect(try await session(1, on: test)?.revoked == test.clock.now)
            #expect(try await session(4, on: test)?.revoked == nil)
            try await test.done(Write.SetPassword(alice, hash: "newer", keeping: nil))
            #expect(try await test.storage.sessions(of: alice) == [])
            #expect(try await test.refusal(of: Write.SetPassword(UserID(99), hash: "h", keeping: nil)) == .noSuchUser)
        }
    }

    @Test(arguments: StorageKind.available)
    func anUpgradedHashNeverBringsBackAnOldPassword(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            try await test.done(Write.OpenSession(alice, session(1)))
            try await test.done(Write.UpgradePasswordHash(alice, hash: "better", replacing: "hash of alice"))
            #expect(try await test.storage.user(alice)?.passwordHash == "better")
            #expect(try await test.storage.sessions(of: alice).count == 1)
            let head = try await test.storage.head()

            // Somebody set another password between the login and the upgrade.
            let receipt = try await test.done(Write.UpgradePasswordHash(alice, hash: "old", replacing: "hash of alice"))

            #expect(receipt.existed)
            #expect(try await test.storage.user(alice)?.passwordHash == "better")
            #expect(try await test.storage.head() == head)
            #expect(try await test.refusal(of: Write.UpgradePasswordHash(UserID(99), hash: "h")) == .noSuchUser)
        }
    }

    @Test(arguments: StorageKind.available)
    func aDeletedAccountKeepsItsRowAndNothingPersonal(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: bob)
            let sent = try await test.send("hello", from: alice, to: flow)
            try await test.done(Write.OpenSession(alice, session(1)))
            let before = try #require(try await test.storage.user(alice))
            test.clock.advance(milliseconds: 10)

            try await test.done(Write.DeleteUser(alice))

            let user = try #require(try await test.storage.user(uuid: before.uuid))
            #expect(user.id == alice && user.deleted == test.clock.now && user.created == before.created)
            #expect(user.login == UserRecord.deletedName && user.username == UserRecord.deletedName)
            #expect(user.email == "" && user.avatar == "" && user.bio == "deleted" && user.passwordHash == "deleted")
            #expect(try await test.storage.user(loginKey: "alice") == nil)
            #expect(try await test.storage.user(loginKey: user.loginKey) == nil)
            #expect(try await test.storage.users(limit: 10).map(\.id) == [bob])
            #expect(try await test.storage.counts().users == 1)
            #expect(try await session(1, on: test)?.revoked != nil)
            #expect(try await test.storage.message(at: sent.position)?.senderUUID == before.uuid)

            let refused: [any LogWrite] = [
                Write.DeleteUser(alice), Write.UpdateUser(alice, UserChanges(bio: "x")),
                Write.OpenSession(alice, session(2)),
                Write.SetPassword(alice, hash: "h", keeping: nil), Write.UpgradePasswordHash(alice, hash: "h"),
                Write.CreateFlow(test.newFlow(owner: alice)), test.message("ghost", to: flow),
                Write.EditMessage(flow: flow, message: sent.position, content: []),
                Write.DeleteMessage(flow: flow, message: sent.position),
            ]
            for action in refused { #expect(try await test.refusal(of: action, by: alice) == .accountDeleted) }
            #expect(try await test.refusal(of: Write.DeleteUser(UserID(99))) == .noSuchUser)
            // The login is free again, more than once.
            let second = try await test.createUser("alice")
            try await test.done(Write.DeleteUser(second))
            _ = try await test.createUser("alice")
        }
    }

    @Test(arguments: StorageKind.available)
    func sessionsEndByTimeByRevocationAndByRemoval(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let short = try await test.done(Write.OpenSession(alice, session(1, lifetimeSeconds: 1))).result
            let long = try await test.done(Write.OpenSession(alice, session(2))).result
            let endless = try await test.done(Write.OpenSession(alice, session(3, lifetimeSeconds: .max))).result
            #expect(try await test.storage.sessions(of: alice).map(\.id) == [endless, long, short])
            #expect(try await test.storage.sessions(of: alice, limit: 1).map(\.id) == [endless])
            #expect(try await session(3, on: test)?.expires == Timestamp(milliseconds: .max))

            test.clock.advance(milliseconds: 1000)
            #expect(try await test.storage.sessions(of: alice).map(\.id) == [endless, long])
            #expect(try await !test.storage.isLive(short))
            try await test.storage.touch([long: test.clock.now, SessionID(99): test.clock.now])
            #expect(try await session(2, on: test)?.lastSeen == test.clock.now)
            #expect(try await test.storage.removeSessions(expiredBefore: test.clock.now) == 0)
            test.clock.advance(milliseconds: 1)
            let devices = [short, long].map {
                DeviceCursor(user: alice, device: "session \($0.rawValue)", position: .start)
            }
            try await test.storage.saveCursors(devices, seen: [:], node: nil)
            #expect(try await test.storage.removeSessions(expiredBefore: test.clock.now) == 1)
            #expect(try await session(1, on: test) == nil)
            #expect(try await test.storage.cursor(of: alice, device: devices[0].device) == nil)
            #expect(try await test.storage.cursor(of: alice, device: devices[1].device) == .start)

            #expect(try await test.refusal(of: Write.RevokeSessions(bob, long)) == .noSuchSession)
            #expect(try await test.storage.isLive(long))
            try await test.done(Write.RevokeSessions(alice, long))
            #expect(try await test.refusal(of: Write.RevokeSessions(alice, long)) == .noSuchSession)
            #expect(try await !test.storage.isLive(long))
            try await test.done(Write.RevokeSessions(alice, nil))
            #expect(try await test.storage.sessions(of: alice) == [])
            #expect(try await test.refusal(of: Write.OpenSession(UserID(99), session(9))) == .noSuchUser)
        }
    }

    @Test(arguments: StorageKind.available)
    func administratorsComeAndGo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            var accounts: [String: UserID] = [:]
            for name in ["carol", "alice", "bob"] {
                let admin = NewAdmin(username: name, passwordHash: "hash of \(name)")
                accounts[name] = try await test.done(Write.CreateUser(test.newUser(name), admin: admin)).userID
            }

            #expect(try await test.storage.admins(limit: 2).map(\.username) == ["alice", "bob"])
            #expect(try await test.storage.admins(after: "bob", limit: 2).map(\.username) == ["carol"])
            let bob = AdminRecord(
                username: "bob", passwordHash: "hash of bob", created: test.clock.now, user: accounts["bob"])
            #expect(try await test.storage.admin(username: "bob") == bob)
            #expect(try await test.storage.admin(username: "dave") == nil)
            let again = NewAdmin(username: "bob", passwordHash: "other")
            let refused = Write.CreateUser(test.newUser("robert"), admin: again)
            #expect(try await test.refusal(of: refused) == .adminExists)
            try await test.done(Write.DeleteAdmin(username: "bob"))
            #expect(try await test.refusal(of: Write.DeleteAdmin(username: "bob")) == .noSuchAdmin)
            #expect(try await test.storage.admin(username: "bob") == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func listsComeInPagesWithoutHiddenAccounts(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            var ids: [UserID] = []
            for number in 0..<5 { ids.append(try await test.createUser("user\(number)")) }
            let hidden = try await test.createUser("testclient", isHidden: true)

            var pages: [[UserID]] = []
            var after = UserID(0)
            while let page = try? await test.storage.users(after: after, limit: 2), let last = page.last {
                pages.append(page.map(\.id))
                after = last.id
            }
            let all = try await test.storage.users(limit: 10)

            #expect(pages.map(\.count) == [2, 2, 1] && pages.flatMap(\.self) == ids)
            for limit in [0, -1] { #expect(try await test.storage.users(limit: limit) == []) }
            #expect(try await test.storage.user(hidden)?.isHidden == true)
            #expect(try await test.storage.counts().users == 5)
            let uuids = [all[3].uuid, test.newUUID(), all[1].uuid]
            #expect(try await test.storage.users(uuids: uuids) == [all[3], all[1]])
            #expect(try await test.storage.users(uuids: []) == [])
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct AdminTokenTests {
    private func hash(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    private func token(
        _ byte: UInt8, _ name: String, of administrator: String = "root", kind: AdminTokenRecord.Kind = .api,
        in test: StorageUnderTest, seconds: Int64 = 60
    ) -> Write.CreateAdminToken {
        Write.CreateAdminToken(
            hash: hash(byte), kind: kind, name: name, administrator: administrator,
            canWrite: byte.isMultiple(of: 2), created: test.clock.now, lifetimeSeconds: seconds)
    }

    /// An account that is an administrator of the same name.
    private func administrator(_ name: String, _ test: StorageUnderTest) async throws -> UserID {
        let admin = NewAdmin(username: name, passwordHash: "hash of \(name)")
        return try await test.done(Write.CreateUser(test.newUser(name), admin: admin)).userID
    }

    @Test(arguments: StorageKind.available)
    func tokensAreFoundUntilTheyEnd(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            try await test.done(token(1, "look", in: test))
            test.clock.advance(milliseconds: 1)
            try await test.done(token(2, "change", in: test, seconds: .max))

            let look = try #require(try await test.storage.adminToken(hash: hash(1)))
            #expect(look.name == "look" && look.administrator == "root" && !look.canWrite && look.kind == .api)
            #expect(look.expires.milliseconds == look.created.milliseconds + 60_000)
            #expect(try await test.storage.apiTokens(limit: 9).map(\.name) == ["change", "look"])
            #expect(try await test.storage.adminToken(hash: hash(9)) == nil)
            #expect(look.isValid(at: Timestamp(milliseconds: look.expires.milliseconds - 1)))
            #expect(!look.isValid(at: look.expires))

            try await test.done(Write.RevokeAdminToken(hash(1)))
            #expect(try await test.storage.adminToken(hash: hash(1))?.revoked == test.clock.now)
            #expect(try await test.storage.apiToken(named: "look") == nil)
            #expect(try await test.refusal(of: Write.RevokeAdminToken(hash(1))) == .noSuchSession)
            // Its name is free again, that of one which is not revoked is not.
            try await test.done(token(3, "look", in: test))
            #expect(try await test.refusal(of: token(4, "look", in: test)) == .tokenNameTaken)
            #expect(try await test.refusal(of: token(5, "other", of: "nobody", in: test)) == .noSuchAdmin)
        }
    }

    @Test(arguments: StorageKind.available)
    func tokensGoWithTheirAdministrator(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            let alice = try await administrator("alice", test)
            try await test.done(token(1, "of root", in: test))
            try await test.done(token(2, "of alice", of: "alice", in: test))

            try await test.done(Write.DeleteAdmin(username: "root"))
            try await test.done(Write.DeleteUser(alice))

            #expect(try await test.storage.adminToken(hash: hash(1)) == nil)
            #expect(try await test.storage.adminToken(hash: hash(2)) == nil)
            // Another one of the same name does not inherit them.
            try await test.done(
                Write.CreateUser(test.newUser("another"), admin: NewAdmin(username: "root", passwordHash: "x")))
            #expect(try await test.storage.apiTokens(limit: 9) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func aNewPasswordEndsLoginsToThePanelOnly(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let root = try await administrator("root", test)
            _ = try await administrator("alice", test)
            try await test.done(token(1, "api", in: test))
            try await test.done(token(2, "", kind: .panel, in: test))
            try await test.done(token(3, "", of: "alice", kind: .panel, in: test))

            try await test.done(Write.SetPassword(root, hash: "new", keeping: nil))

            #expect(try await test.storage.adminToken(hash: hash(1)) != nil)
            #expect(try await test.storage.adminToken(hash: hash(2)) == nil)
            #expect(try await test.storage.adminToken(hash: hash(3)) != nil)
            // Expired ones are removed when the next one is made.
            test.clock.advance(milliseconds: 60_000)
            try await test.done(token(4, "", kind: .panel, in: test))
            #expect(try await test.storage.adminToken(hash: hash(3)) == nil)
            #expect(try await test.storage.adminToken(hash: hash(4)) != nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func lastUseIsCoarse(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            try await test.done(token(1, "api", in: test))
            func use() async throws -> Timestamp? {
                let record = try #require(try await test.storage.adminToken(hash: hash(1)))
                try await test.storage.noteUse(of: record)
                return try await test.storage.adminToken(hash: hash(1))?.lastUsed
            }
            let first = test.clock.now

            #expect(try await use() == first)
            test.clock.advance(milliseconds: 15 * 60_000 - 1)
            #expect(try await use() == first)
            test.clock.advance(milliseconds: 1)
            #expect(try await use() == test.clock.now)
        }
    }

    @Test(arguments: StorageKind.available)
    func loginByAClockThatWasAheadEndsWhenItIsSetBack(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            try await test.done(token(1, "", kind: .panel, in: test, seconds: 12 * 3600))
            try await test.done(token(2, "api", in: test))
            let login = try #require(try await test.storage.adminToken(hash: hash(1)))
            let api = try #require(try await test.storage.adminToken(hash: hash(2)))
            func time(_ milliseconds: Int64) -> Timestamp {
                Timestamp(milliseconds: test.clock.now.milliseconds + milliseconds)
            }
            let idle: Int64 = 45 * 60_000
            let hour: Int64 = 3_600_000

            #expect(login.isValid(at: time(idle)) && login.isValid(at: time(-hour)))
            #expect(!login.isValid(at: time(idle + 1)) && !login.isValid(at: time(-hour - 1)))
            #expect(api.isValid(at: time(-365 * 86_400_000)))
        }
    }

    /// Else a login would be from the future at once.
    @Test(arguments: StorageKind.available)
    func tokenIsMadeByTheClockAlsoWhenTheLogIsAhead(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            let day: Int64 = 86_400_000
            // The second time within an hour the log does not follow the clock back.
            for (number, milliseconds) in [day, -day, day, -day].enumerated() {
                test.clock.advance(milliseconds: milliseconds)
                _ = try await test.createUser("user\(number)")
            }
            let now = test.clock.now

            let receipt = try await test.done(token(1, "", kind: .panel, in: test))

            #expect(receipt.time.milliseconds == now.milliseconds + day)
            let login = try #require(try await test.storage.adminToken(hash: hash(1)))
            #expect(login.created == now && login.isValid(at: now))
        }
    }

    @Test(arguments: StorageKind.available)
    func aUseByAClockThatWasAheadIsForgotten(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            try await test.done(token(1, "api", in: test))
            func use() async throws -> Timestamp? {
                let record = try #require(try await test.storage.adminToken(hash: hash(1)))
                try await test.storage.noteUse(of: record)
                return try await test.storage.adminToken(hash: hash(1))?.lastUsed
            }

            test.clock.advance(milliseconds: 3_600_001)
            let ahead = test.clock.now
            #expect(try await use() == ahead)
            test.clock.advance(milliseconds: -3_600_000)
            #expect(try await use() == ahead)
            test.clock.advance(milliseconds: -1)
            #expect(try await use() == test.clock.now)
        }
    }

    /// Or a login that somebody took would stay open until the clock is there again.
    @Test func aLoginThatWasUsedFarAheadIsIdle() {
        let now = Timestamp(seconds: 1_700_000_000)
        func isValid(_ kind: AdminTokenRecord.Kind, usedSecondsAgo age: Int64?) -> Bool {
            let ahead = Timestamp(seconds: now.seconds + 86_400)
            let record = AdminTokenRecord(
                hash: hash(1), kind: kind, name: "", administrator: "root", canWrite: true, created: ahead,
                expires: Timestamp(seconds: ahead.seconds + 43_200),
                lastUsed: age.map { Timestamp(seconds: now.seconds - $0) })
            return record.isValid(at: now)
        }

        #expect(isValid(.panel, usedSecondsAgo: 2700) && !isValid(.panel, usedSecondsAgo: 2701))
        #expect(isValid(.panel, usedSecondsAgo: -3600) && !isValid(.panel, usedSecondsAgo: -3601))
        #expect(isValid(.api, usedSecondsAgo: 2701) && isValid(.api, usedSecondsAgo: -3601))
        // It was made while the clock was ahead.
        #expect(!isValid(.panel, usedSecondsAgo: nil))
    }

    @Test(arguments: StorageKind.available)
    func stepsOfASecondFactorAreTakenOnce(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await administrator("root", test)
            #expect(try await test.storage.admin(username: "root")?.totpSecret == nil)
            try await test.done(Write.SetTOTP(username: "root", [1, 2, 3]))
            #expect(try await test.storage.admin(username: "root")?.totpSecret == [1, 2, 3])

            #expect(try await test.storage.takeTOTPStep(7, of: "root"))
            #expect(try await !test.storage.takeTOTPStep(7, of: "root"))
            #expect(try await !test.storage.takeTOTPStep(6, of: "root"))
            #expect(try await test.storage.takeTOTPStep(8, of: "root"))
            #expect(try await !test.storage.takeTOTPStep(9, of: "nobody"))

            try await test.done(Write.SetTOTP(username: "root", nil))
            #expect(try await test.storage.admin(username: "root")?.totpSecret == nil)
            #expect(try await test.refusal(of: Write.SetTOTP(username: "nobody", nil)) == .noSuchAdmin)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct InviteTests {
    private func hash(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    private func newcomer(_ test: StorageUnderTest, _ login: String, invite: UInt8) -> Write.RegisterUser {
        let session = NewSession(
            tokenHash: Array((login + String(repeating: " ", count: 32)).utf8.prefix(32)), protocol: "test",
            address: "192.0.2.1", lifetimeSeconds: 60)
        let use = Write.RegisterUser.InviteUse(codeHash: hash(invite), at: test.clock.now)
        return Write.RegisterUser(test.newUser(login), session: session, invite: use)
    }

    @Test(arguments: StorageKind.available)
    func anInviteLetsInAsManyAsItSays(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await test.done(Write.CreateInvite(codeHash: hash(1), uses: 2, note: "for friends"))

            try await test.done(newcomer(test, "alice", invite: 1))
            // Whoever is refused for another reason leaves it as it was.
            #expect(try await test.refusal(of: newcomer(test, "Alice", invite: 1)) == .loginTaken)
            try await test.done(newcomer(test, "bob", invite: 1))
            #expect(try await test.refusal(of: newcomer(test, "carol", invite: 1)) == .inviteInvalid)

            let invite = try #require(try await test.storage.invite(codeHash: hash(1)))
            #expect(invite.usesLeft == 0 && invite.used == 2 && invite.note == "for friends")
            #expect(invite.created == test.clock.now && invite.expires == nil && invite.revoked == nil)
            #expect(!invite.isValid(at: test.clock.now))
            #expect(try await test.storage.user(loginKey: "carol") == nil)
            #expect(try await test.refusal(of: newcomer(test, "carol", invite: 9)) == .inviteInvalid)
        }
    }

    @Test(arguments: StorageKind.available)
    func twoOfOneBatchCannotShareOneUse(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await test.done(Write.CreateInvite(codeHash: hash(1)))

            let batch = try await test.storage.commit([
                test.write(newcomer(test, "alice", invite: 1)), test.write(newcomer(test, "bob", invite: 1)),
            ])

            #expect(batch.outcomes.map(\.refusal) == [nil, .inviteInvalid])
            #expect(try await test.storage.counts().users == 1)
        }
    }

    @Test(arguments: StorageKind.available)
    func invitesExpireAndAreRevoked(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let expires = Timestamp(milliseconds: test.clock.now.milliseconds + 1000)
            try await test.done(Write.CreateInvite(codeHash: hash(1), uses: 9, expires: expires))
            try await test.done(Write.CreateInvite(codeHash: hash(2), uses: 9))
            test.clock.advance(milliseconds: 999)
            try await test.done(newcomer(test, "alice", invite: 1))

            test.clock.advance(milliseconds: 1)
            #expect(try await test.refusal(of: newcomer(test, "bob", invite: 1)) == .inviteInvalid)
            try await test.done(Write.RevokeInvite(hash(2)))
            #expect(try await test.refusal(of: newcomer(test, "bob", invite: 2)) == .inviteInvalid)

            #expect(try await test.storage.invite(codeHash: hash(2))?.revoked == test.clock.now)
            #expect(try await test.refusal(of: Write.RevokeInvite(hash(2))) == .inviteInvalid)
            #expect(try await test.refusal(of: Write.RevokeInvite(hash(3))) == .inviteInvalid)
            #expect(try await test.storage.user(loginKey: "bob") == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func inviteEndsByTheClockAlsoWhenTheLogIsAhead(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let day: Int64 = 86_400_000
            // The second time within an hour the log does not follow the clock back.
            for (number, milliseconds) in [day, -day, day, -day].enumerated() {
                test.clock.advance(milliseconds: milliseconds)
                _ = try await test.createUser("user\(number)")
            }
            let expires = Timestamp(milliseconds: test.clock.now.milliseconds + 1000)
            try await test.done(Write.CreateInvite(codeHash: hash(1), uses: 9, expires: expires))

            test.clock.advance(milliseconds: 999)
            let receipt = try await test.done(newcomer(test, "alice", invite: 1))
            #expect(receipt.time.milliseconds > expires.milliseconds)
            test.clock.advance(milliseconds: 1)
            #expect(try await test.refusal(of: newcomer(test, "bob", invite: 1)) == .inviteInvalid)
        }
    }

    @Test(arguments: StorageKind.available)
    func invitesAreListedNewestFirst(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            for byte in [3, 1, 2] as [UInt8] {
                try await test.done(Write.CreateInvite(codeHash: hash(byte), note: "\(byte)"))
                if byte == 3 { test.clock.advance(milliseconds: 1) }
            }
            let head = try await test.storage.head()
            #expect(try await test.done(Write.CreateInvite(codeHash: hash(1), uses: 50)).existed)
            #expect(try await test.storage.head() == head)

            let first = try await test.storage.invites(limit: 2)
            let second = try await test.storage.invites(before: first.last, limit: 2)

            #expect((first + second).map(\.note) == ["2", "1", "3"])
            #expect(try await test.storage.invites(before: second.last, limit: 2) == [])
            #expect(try await test.storage.invite(codeHash: hash(1))?.usesLeft == 1)
        }
    }
}

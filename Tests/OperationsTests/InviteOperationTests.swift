// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Operations
import Storage
import Testing

struct InviteOperationTests {
    private func register(_ login: String, code: String, in office: Office) async throws {
        _ = try await office.chat.register(
            login: login, password: Password("secret word"), username: nil, email: nil, invite: code,
            from: Origin(protocol: "mtp", address: "::1"))
    }

    @Test func codeMakesAsManyAccountsAsItSays() async throws {
        try await Office.open(registration: .invite) { office in
            let made = try await office.run(CreateInvite(uses: 2, seconds: 0, note: "two"))
            let code = made.code.clearText
            #expect(code.count == 32)
            #expect(made.invite.usesLeft == 2)
            #expect(made.invite.expires == nil)

            try await register("alice", code: code, in: office)
            try await register("bob", code: code, in: office)
            await #expect(throws: ChatError.inviteInvalid) { try await register("carol", code: code, in: office) }

            let all = try await office.run(ListInvites(includesInvalid: true)).invites
            #expect(all.map(\.id) == [made.invite.id])
            #expect(all.first?.status == .used)
            #expect(all.first?.used == 2)
            #expect(all.first?.note == "two")
            #expect(try await office.run(ListInvites()).invites.isEmpty)
        }
    }

    @Test func listIsNewestFirstAndHasNoCodes() async throws {
        try await Office.open(registration: .invite) { office in
            var codes: [String] = []
            for note in ["one", "two", "three"] {
                codes.append(try await office.run(CreateInvite(note: note)).code.clearText)
            }

            let report = try await office.run(ListInvites())

            #expect(Set(report.invites.map(\.note)) == ["one", "two", "three"])
            #expect(!report.isCut)
            for code in codes { #expect(!"\(report)".contains(code)) }
        }
    }

    @Test func codeEnds() async throws {
        try await Office.open(registration: .invite) { office in
            let made = try await office.run(CreateInvite(seconds: 60))

            #expect(made.invite.expires == "2026-02-01T00:01:00.250Z")
            #expect(try await office.run(CreateInvite()).invite.expires == "2026-02-08T00:00:00.250Z")
            #expect(try await office.run(CreateInvite(seconds: 0)).invite.expires == nil)
        }
    }

    @Test func revokedCodeMakesNoAccount() async throws {
        try await Office.open(registration: .invite) { office in
            let made = try await office.run(CreateInvite(uses: 5))
            try await register("alice", code: made.code.clearText, in: office)

            let revoked = try await office.run(RevokeInvite(id: String(made.invite.id.uppercased().prefix(8))))

            #expect(revoked.status == .revoked)
            #expect(revoked.used == 1)
            await #expect(throws: ChatError.inviteInvalid) {
                try await register("bob", code: made.code.clearText, in: office)
            }
            #expect(try await office.refusal(of: RevokeInvite(id: made.invite.id)).kind == .exists)
        }
    }

    @Test func anIdIsGivenByItsBeginning() async throws {
        try await Office.open(registration: .invite) { office in
            for bytes in [[0xAB, 0xCD, 0xE0], [0xAB, 0xCD, 0xEF], [0xAB, 0xCD, 0xF0]] as [[UInt8]] {
                let hash = bytes + [UInt8](repeating: 0xFF, count: 29)
                _ = try await office.chat.write(Write.CreateInvite(codeHash: hash), by: nil)
            }

            #expect(try await office.refusal(of: RevokeInvite(id: "abcdeg")).kind == .notFound)
            #expect(try await office.refusal(of: RevokeInvite(id: "abcdee")).kind == .notFound)
            #expect(try await office.run(RevokeInvite(id: "ABCDEF")).id == "abcdefffffff")
            #expect(try await office.run(RevokeInvite(id: "abcde0ff")).id == "abcde0ffffff")
            #expect(try await office.refusal(of: RevokeInvite(id: "abcdef")).kind == .exists)
            #expect(try await office.run(ListInvites()).invites.map(\.id) == ["abcdf0ffffff"])
        }
    }

    @Test func listShowsTheNewestThousand() async throws {
        try await Office.open(registration: .invite) { office in
            for number in 0...1000 { _ = try await office.run(CreateInvite(note: "\(number)")) }

            let report = try await office.run(ListInvites())

            #expect(report.invites.count == 1000)
            #expect(report.isCut)
        }
    }

    @Test func whatCannotBeIsRefused() async throws {
        try await Office.open(registration: .invite) { office in
            for operation in [
                CreateInvite(uses: 0), CreateInvite(uses: CreateInvite.maximumUses + 1), CreateInvite(seconds: -1),
                CreateInvite(seconds: CreateInvite.maximumSeconds + 1),
                CreateInvite(note: String(repeating: "x", count: 1025)), CreateInvite(note: "\u{0}"),
            ] {
                let refusal = try await office.refusal(of: operation)
                #expect(refusal.kind == .invalid)
            }
            #expect(try await office.refusal(of: RevokeInvite(id: "")).kind == .invalid)
            #expect(try await office.refusal(of: RevokeInvite(id: "abcdef")).kind == .notFound)
            #expect(try await office.run(ListInvites(includesInvalid: true)).invites.isEmpty)
        }
    }
}

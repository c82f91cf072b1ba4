// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// `invite.create`: a code with which people make accounts in registration mode `invite`.
///
/// The code is told once; the database keeps only its hash.
package struct CreateInvite: AdminOperation {
    /// What `invite.create` tells.
    package struct Report: Codable, Sendable {
        /// The code; a secret for the person who is to have it.
        package var code: SecretText
        /// The invitation.
        package var invite: InviteReport
    }

    package static let name = "invite.create"
    package static let summary = "Make a code with which people make accounts."
    package static let access = OperationActor.Scope.write
    /// The most accounts of one code.
    package static let maximumUses: Int64 = 1_000_000
    /// The longest life in seconds: ten years.
    package static let maximumSeconds: Int64 = 3650 * 86_400
    /// The life in seconds unless asked otherwise: a week.
    package static let standardSeconds: Int64 = 7 * 86_400
    private static let noteBytes = 1024

    /// How many accounts can be made with it.
    package var uses: Int64
    /// For how many seconds it is valid; 0: for ever.
    package var seconds: Int64
    /// For the operator.
    package var note: String

    package init(uses: Int64 = 1, seconds: Int64 = CreateInvite.standardSeconds, note: String = "") {
        self.uses = uses
        self.seconds = seconds
        self.note = note
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        guard (1...Self.maximumUses).contains(uses) else {
            throw OperationError(.invalid, "A code makes 1 to \(Self.maximumUses) accounts, not \(uses).")
        }
        guard (0...Self.maximumSeconds).contains(seconds) else {
            throw OperationError(
                .invalid, "A code is valid for 1 second to ten years or, with 0, for ever, not for \(seconds) seconds.")
        }
        try context.check(note, "note", limit: Self.noteBytes)
        var random = SecureRandom()
        let code = Token(using: &random)
        let hash = code.hash.bytes
        let now = context.chat.currentTime
        let expires = seconds == 0 ? nil : Timestamp(milliseconds: now.milliseconds + seconds * 1000)
        _ = try await context.write(
            Write.CreateInvite(codeHash: hash, uses: uses, expires: expires, note: note),
            on: InviteReport.id(of: hash))
        let record = try await context.reading { try await $0.invite(codeHash: hash) }
        guard let record else { throw OperationError(.failed, "The invitation is gone.", nextStep: "Try again.") }
        return Report(code: SecretText(code.text), invite: InviteReport(record, at: now))
    }
}

/// `invite.list`: the invitations, newest first.
package struct ListInvites: AdminOperation {
    /// What `invite.list` tells.
    package struct Report: Codable, Sendable {
        /// At most 1000.
        package var invites: [InviteReport]
        /// Whether there are more.
        package var isCut: Bool
    }

    package static let name = "invite.list"
    package static let summary = "List the invitations, newest first."
    package static let access = OperationActor.Scope.read
    private static let maximumCount = 1000

    /// Also those with which no account can be made any more.
    package var includesInvalid: Bool

    package init(includesInvalid: Bool = false) {
        self.includesInvalid = includesInvalid
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let now = context.chat.currentTime
        let time = includesInvalid ? nil : now
        let found = try await context.reading {
            try await $0.invites(validAt: time, limit: Self.maximumCount + 1)
        }
        return Report(
            invites: found.prefix(Self.maximumCount).map { InviteReport($0, at: now) },
            isCut: found.count > Self.maximumCount)
    }
}

/// `invite.revoke`: no more accounts are made with an invitation; those made with it stay.
package struct RevokeInvite: AdminOperation {
    package static let name = "invite.revoke"
    package static let summary = "End an invitation; accounts made with it stay."
    package static let access = OperationActor.Scope.write
    private static let minimumDigits = 6
    fileprivate static let maximumDigits = 64

    /// The invitation's id, or the beginning of it.
    package var id: String

    package init(id: String) {
        self.id = id
    }

    package var target: String? { id }

    package func run(on context: OperationContext) async throws(OperationError) -> InviteReport {
        let listInvites = "List them with 'manage invite list --all'."
        let wanted = id.lowercased()
        guard (Self.minimumDigits...Self.maximumDigits).contains(wanted.utf8.count) else {
            throw OperationError(
                .invalid, "An id of an invitation has \(Self.minimumDigits) to \(Self.maximumDigits) digits.",
                nextStep: listInvites)
        }
        let found = try await context.invites(beginningWith: wanted)
        guard let record = found.first else {
            throw OperationError(.notFound, "No invitation has the id '\(id)'.", nextStep: listInvites)
        }
        guard found.count == 1 else {
            throw OperationError(
                .invalid, "Several invitations have an id that begins with '\(id)'.", nextStep: "Give more of it.")
        }
        if record.revoked != nil {
            throw OperationError(.exists, "The invitation '\(id)' is revoked already.")
        }
        _ = try await context.write(Write.RevokeInvite(record.codeHash), on: InviteReport.id(of: record.codeHash))
        let now = context.chat.currentTime
        var revoked = record
        revoked.revoked = now
        return InviteReport(revoked, at: now)
    }
}

extension OperationContext {
    /// At most two of the invitations whose code's hash begins with these hexadecimal digits.
    fileprivate func invites(beginningWith digits: String) async throws(OperationError) -> [InviteRecord] {
        let missing = RevokeInvite.maximumDigits - digits.utf8.count
        guard
            let first = Hexadecimal.bytes(Substring(digits + String(repeating: "0", count: missing))),
            let last = Hexadecimal.bytes(Substring(digits + String(repeating: "f", count: missing)))
        else { return [] }
        return try await reading { try await $0.invites(from: first, through: last, limit: 2) }
    }
}

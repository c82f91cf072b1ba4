// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// An account that another server has kept.
package struct ImportedUser: Codable, Sendable {
    /// In decimal; the same account has the same one at every import.
    package var uuid: String
    package var login: String
    package var username: String
    /// The password in clear, if it is known.
    package var password: SecretText?
    /// The password's hash in the form that `LegacyHash` stores, if only that is known.
    package var hash: SecretText?
    package var isBot = false
    package var email = ""
    package var avatar = ""
    package var bio = ""
    /// The key that FastChat clients encrypt for, in PEM form.
    package var publicKey: String?
    /// Only its messages are left; it is taken as a deleted account.
    package var isDeleted = false

    package init(uuid: String, login: String, username: String) {
        self.uuid = uuid
        self.login = login
        self.username = username
    }
}

/// `import.users`: takes over accounts of another server; those that were taken before stay as they are now.
package struct ImportUsers: AdminOperation {
    package static let name = "import.users"
    package static let summary = "Take over accounts of another server."
    package static let access = OperationActor.Scope.write

    /// The accounts.
    package var users: [ImportedUser]
    /// Whether nothing is written.
    package var isDryRun: Bool

    package init(_ users: [ImportedUser], isDryRun: Bool) {
        self.users = users
        self.isDryRun = isDryRun
    }

    package var onlyLooks: Bool { isDryRun }

    package func run(on context: OperationContext) async throws(OperationError) -> ImportOutcome {
        var outcome = ImportOutcome()
        if !isDryRun { try await context.recordNow() }
        for user in users {
            try context.checkCancellation()
            let item = "user \(user.login)"
            try await outcome.take(item) { outcome async throws(OperationError) in
                try await take(user, item, &outcome, on: context)
            }
        }
        return outcome
    }

    private func take(
        _ user: ImportedUser, _ item: String, _ outcome: inout ImportOutcome, on context: OperationContext
    ) async throws(OperationError) {
        let uuid = try context.identifier(user.uuid)
        let known = try await context.reading { try await $0.user(uuid: uuid) }
        if let known {
            if user.isDeleted, known.deleted == nil, !isDryRun {
                _ = try await context.write(Write.DeleteUser(known.id))
            }
            outcome.existing += 1
            return
        }
        let login = try await context.freeLogin(user.isDeleted ? "deleted-\(user.uuid)" : user.login)
        var new = NewUser(
            uuid: uuid, login: login.text, loginKey: login.key,
            username: fitting(user.username, ChatLimits.usernameBytes, "name", item, &outcome) ?? login.text,
            passwordHash: "", isBot: user.isBot, email: user.email)
        if !EmailAddress.isValid(user.email) {
            if !user.email.isEmpty {
                outcome.changed.append(.init(item, "Its mail address is not valid and was left out."))
            }
            new.email = ""
        }
        new.avatar = fitting(user.avatar, ChatLimits.avatarBytes, "picture", item, &outcome) ?? ""
        new.bio = fitting(user.bio, ChatLimits.bioBytes, "description", item, &outcome) ?? ""
        if let pem = user.publicKey {
            if pem.utf8.count <= ChatLimits.publicKeyBytes {
                new.key = NewKey(kind: "fastchat", publicKey: pem)
            } else {
                outcome.changed.append(.init(item, "Its key is too long and was left out."))
            }
        }
        if user.password == nil, user.hash == nil, !user.isDeleted {
            outcome.changed.append(
                .init(item, "Its password cannot be checked; set one with 'manage user set-password'."))
        }
        outcome.taken += 1
        guard !isDryRun else { return }
        try await addPassword(of: user, to: &new, on: context)
        let id = try await context.write(Write.CreateUser(new)).result
        if user.isDeleted { _ = try await context.write(Write.DeleteUser(id)) }
    }

    private func addPassword(
        of user: ImportedUser, to new: inout NewUser, on context: OperationContext
    ) async throws(OperationError) {
        if let hash = user.hash, user.password == nil {
            guard let legacy = LegacyHash(stored: hash.clearText) else {
                throw OperationError(.invalid, "Its password hash is not in the reference's form.")
            }
            new.passwordHash = legacy.stored
            return
        }
        // Without a password it gets one that is told to no one.
        let password = user.password ?? context.randomPassword()
        guard !password.clearText.isEmpty else { throw OperationError(.invalid, "Its password is empty.") }
        new.passwordHash = try await context.asking { try await $0.hash(password.password) }
        if user.password != nil {
            new.challengeSecret = context.chat.challengeSecret(password.password, of: new.uuid)
        }
    }

    /// The text, unless it cannot be stored.
    private func fitting(
        _ text: String, _ limit: Int, _ what: String, _ item: String, _ outcome: inout ImportOutcome
    ) -> String? {
        if text.utf8.count <= limit, !text.utf8.contains(0) { return text }
        outcome.changed.append(.init(item, "Its \(what) is too long or holds U+0000, and was left out."))
        return nil
    }
}

/// `import.contacts`: takes over who has whom in their list.
package struct ImportContacts: AdminOperation {
    package static let name = "import.contacts"
    package static let summary = "Take over who has whom in their list."
    package static let access = OperationActor.Scope.write

    /// Uuids in decimal: whose list, and who is in it.
    package struct Pair: Codable, Sendable {
        package var user: String
        package var contact: String

        package init(user: String, contact: String) {
            self.user = user
            self.contact = contact
        }
    }

    /// The entries.
    package var pairs: [Pair]
    /// Whether nothing is written.
    package var isDryRun: Bool

    package init(_ pairs: [Pair], isDryRun: Bool) {
        self.pairs = pairs
        self.isDryRun = isDryRun
    }

    package var onlyLooks: Bool { isDryRun }

    package func run(on context: OperationContext) async throws(OperationError) -> ImportOutcome {
        var outcome = ImportOutcome()
        if !isDryRun { try await context.recordNow() }
        for pair in pairs {
            try context.checkCancellation()
            try await outcome.take("contact") { outcome async throws(OperationError) in
                let uuids = [try context.identifier(pair.user), try context.identifier(pair.contact)]
                guard !isDryRun else {
                    outcome.taken += 1
                    return
                }
                let found = try await context.reading { try await $0.users(uuids: uuids) }
                guard found.count == 2, found.allSatisfy({ $0.deleted == nil }) else {
                    return outcome.skip("contact", "One of the two accounts was not taken.")
                }
                let receipt = try await context.write(Write.AddContact(found[0].id, found[1].id))
                if receipt.existed { outcome.existing += 1 } else { outcome.taken += 1 }
            }
        }
        return outcome
    }
}

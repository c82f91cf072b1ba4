// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.set_password`: another password; every session of the account ends.
package struct SetPassword: AdminOperation {
    package static let name = "user.set_password"
    package static let summary = "Give an account another password, and end its sessions."
    package static let access = OperationActor.Scope.write

    /// Whose account.
    package var login: String
    package var password: SecretText

    package init(login: String, password: SecretText) {
        self.login = login
        self.password = password
    }

    package var target: String? { login }

    package func run(on context: OperationContext) async throws(OperationError) -> UserReport {
        guard !password.clearText.isEmpty else { throw OperationError(.invalid, "The password is empty.") }
        let user = try await context.user(login: login)
        let hash = try await context.asking { try await $0.hash(password.password) }
        _ = try await context.write(
            Write.SetPassword(
                user.id, hash: hash, keeping: nil,
                challengeSecret: context.chat.challengeSecret(password.password, of: user.uuid)))
        return UserReport(user)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `superuser.create`: an account and an administrator in one transaction, with the same password.
package struct CreateSuperuser: AdminOperation {
    /// What `superuser.create` tells.
    package struct Report: Codable, Sendable {
        /// The administrator's name.
        package var username: String
        /// The new account.
        package var user: UserReport
    }

    package static let name = "superuser.create"
    package static let summary = "Make an administrator and an account of the same password."
    package static let access = OperationActor.Scope.write

    /// The password of the reference server's settings file, which is public.
    package static let shippedPassword = "password"

    /// The administrator's name.
    package var username: String
    /// The account's login.
    package var login: String
    /// The password of both.
    package var password: SecretText

    package init(username: String, login: String, password: SecretText) {
        self.username = username
        self.login = login
        self.password = password
    }

    package var target: String? { username }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        guard !username.isEmpty else { throw OperationError(.invalid, "The name of an administrator is not empty.") }
        try context.check(username, "username", limit: ChatLimits.usernameBytes)
        guard password.clearText != Self.shippedPassword else {
            throw OperationError(
                .refused, "The reference server ships with this password, so everybody knows it.",
                nextStep: "Choose another one.")
        }
        try await checkIsFree(in: context)
        let user = try await context.newUser(login: login, password: password, username: username)
        do {
            _ = try await context.write(
                Write.CreateUser(user, admin: NewAdmin(username: username, passwordHash: user.passwordHash)))
        } catch  where error.kind == .refused {
            // Another process was faster.
            try await checkIsFree(in: context)
            throw error
        }
        return Report(username: username, user: UserReport(try await context.user(login: login)))
    }

    private func checkIsFree(in context: OperationContext) async throws(OperationError) {
        let known = try await context.reading { try await $0.admin(username: username) }
        if known != nil {
            throw .administratorExists(username)
        }
    }
}

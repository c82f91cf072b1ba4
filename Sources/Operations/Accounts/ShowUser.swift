// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.show`: everything about an account but its password.
package struct ShowUser: AdminOperation {
    /// What `user.show` tells.
    package struct Report: Codable, Sendable {
        /// The account.
        package var user: UserReport
        /// The length of its picture in bytes, 0 for none.
        package var avatarBytes: Int
        /// How its password is hashed, such as `argon2id`.
        package var passwordHash: String
        /// Sessions that are neither revoked nor expired; at most 1000 are counted.
        package var sessions: Int
        /// Whether it is connected to this server now.
        package var isConnected: Bool
    }

    package static let name = "user.show"
    package static let summary = "Show an account."
    package static let access = OperationActor.Scope.read

    /// Whose account.
    package var login: String

    package init(login: String) {
        self.login = login
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        let sessions = try await context.reading { try await $0.sessions(of: user.id) }
        // A stored hash names how it was made between its first two dollar signs.
        let parts = user.passwordHash.split(separator: "$", maxSplits: 2)
        return Report(
            user: UserReport(user), avatarBytes: user.avatar.utf8.count,
            passwordHash: parts.count > 1 ? String(parts[0]) : "unknown", sessions: sessions.count,
            isConnected: context.chat.isConnected(user.id))
    }
}

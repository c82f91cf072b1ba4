// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.export`: what the server knows of an account beside its messages, for a copy of all its data.
///
/// It only reads, and is recorded like what changes something: the audit says who took a person's data out.
package struct ExportUser: AdminOperation {
    /// What `user.export` tells.
    package struct Report: Codable, Sendable {
        package var user: UserReport
        /// As clients show it.
        package var avatar: String
        package var sessions: [ListSessions.Session]
        /// The logins in the account's list.
        package var contacts: [String]
    }

    package static let name = "user.export"
    package static let summary = "Tell what is known of an account, for a copy of all its data."
    package static let access = OperationActor.Scope.write

    private static let maximumContacts = 100_000

    /// Whose account.
    package var login: String

    package init(login: String) {
        self.login = login
    }

    package var target: String? { login }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        let contacts = try await context.reading {
            try await $0.contacts(of: user.id, limit: Self.maximumContacts)
        }
        return Report(
            user: UserReport(user), avatar: user.avatar,
            sessions: try await ListSessions(login: login).run(on: context).sessions, contacts: contacts.map(\.login))
    }
}

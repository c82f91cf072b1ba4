// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.logout`: ends sessions; a running server closes their connections.
package struct LogOutUser: AdminOperation {
    /// What `user.logout` tells.
    package struct Report: Codable, Sendable {
        /// Whose sessions.
        package var login: String
        /// How many were ended; at most 1000 are counted.
        package var revoked: Int
    }

    package static let name = "user.logout"
    package static let summary = "End sessions of an account."
    package static let access = OperationActor.Scope.write

    /// Whose sessions.
    package var login: String
    /// Only this one; `nil` for all of them.
    package var session: Int64?

    package init(login: String, session: Int64? = nil) {
        self.login = login
        self.session = session
    }

    package var target: String? { login }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        guard let session else {
            let sessions = try await context.reading { try await $0.sessions(of: user.id) }
            _ = try await context.write(Write.RevokeSessions(user.id, nil))
            return Report(login: user.login, revoked: sessions.count)
        }
        do {
            _ = try await context.write(Write.RevokeSessions(user.id, SessionID(session)))
        } catch  where error.kind == .notFound {
            throw OperationError(
                .notFound, "'\(user.login)' has no session \(session).",
                nextStep: "List them with 'manage user sessions \(user.login)'.")
        }
        return Report(login: user.login, revoked: 1)
    }
}

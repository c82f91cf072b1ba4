// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.delete`: removes an account for good.
///
/// What it wrote stays, under the name of a deleted user.
package struct DeleteUser: AdminOperation {
    package static let name = "user.delete"
    package static let summary = "Delete an account for good; what it wrote stays."
    package static let access = OperationActor.Scope.write
    package static let isDestructive = true

    /// Whose account.
    package var login: String

    package init(login: String) {
        self.login = login
    }

    package var target: String? { login }

    package func run(on context: OperationContext) async throws(OperationError) -> UserReport {
        let user = try await context.user(login: login)
        _ = try await context.write(Write.DeleteUser(user.id))
        return UserReport(user)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `secrets.check`: whether the key file opens what is sealed in the database, for the first accounts.
package struct CheckSecrets: AdminOperation {
    /// What `secrets.check` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// Accounts with a sealed secret among those that were looked at.
        package var sealed: Int
        /// Those of them whose secret the key file does not open.
        package var unopened: Int

        /// What was counted.
        package init(sealed: Int, unopened: Int) {
            self.sealed = sealed
            self.unopened = unopened
        }
    }

    package static let name = "secrets.check"
    package static let isWatching = true
    /// A check makes no key file.
    package static let needsCurrentSchema = false

    /// How many accounts are looked at: opening one costs a few microseconds.
    private static let maximumAccounts = 2000

    /// Creates the operation.
    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let chat = context.chat
        let users = try await context.reading { () async throws(StorageError) in
            try await chat.storage.users(after: UserID(0), limit: Self.maximumAccounts)
        }
        let sealed = users.filter { $0.challengeSecret != nil }
        return Report(sealed: sealed.count, unopened: sealed.count { !chat.opensChallengeSecret(of: $0) })
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.list`: the accounts by age, without deleted and hidden ones, a page at a time.
package struct ListUsers: AdminOperation {
    package static let name = "user.list"

    /// Which part of the list.
    package var range: ListRange

    /// Creates the operation.
    package init(range: ListRange = ListRange()) {
        self.range = range
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<UserReport> {
        try range.check()
        let users = try await context.reading { () async throws(StorageError) in
            try await context.chat.storage.users(after: UserID(range.after), limit: range.limit + 1)
        }
        return ListPage(users.map(UserReport.init), limit: range.limit, row: \.row)
    }
}

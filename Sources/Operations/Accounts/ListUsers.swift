// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.list`: the accounts by age, without deleted and hidden ones, a page at a time.
package struct ListUsers: AdminOperation {
    package static let name = "user.list"

    /// How many accounts are read at a time when only some are wanted.
    private static let searchStep = 500

    /// Which part of the list.
    package var range: ListRange
    /// Only accounts whose login or shown name contains this, in whatever case; `nil` for all.
    package var search: String?

    /// Creates the operation.
    package init(range: ListRange = ListRange(), search: String? = nil) {
        self.range = range
        self.search = search
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<UserReport> {
        try range.check()
        let wanted = range.limit + 1
        guard let search else {
            let users = try await users(after: UserID(range.after), limit: wanted, on: context)
            return ListPage(users.map(UserReport.init), limit: range.limit, row: \.row)
        }
        try context.check(search, "text to search for", limit: ChatLimits.loginBytes)
        let key = Login.key(of: search)
        var found: [UserRecord] = []
        var last = UserID(range.after)
        while found.count < wanted {
            try context.checkCancellation()
            let page = try await users(after: last, limit: Self.searchStep, on: context)
            found += page.filter { $0.loginKey.contains(key) || Login.key(of: $0.username).contains(key) }
            guard let end = page.last else { break }
            last = end.id
        }
        return ListPage(found.prefix(wanted).map(UserReport.init), limit: range.limit, row: \.row)
    }

    private func users(
        after: UserID, limit: Int, on context: OperationContext
    ) async throws(OperationError) -> [UserRecord] {
        try await context.reading { () async throws(StorageError) in
            try await context.chat.storage.users(after: after, limit: limit)
        }
    }
}

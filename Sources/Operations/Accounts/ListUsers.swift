// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.list`: the accounts by age, without deleted and hidden ones, a page at a time.
package struct ListUsers: AdminOperation {
    package static let name = "user.list"
    package static let summary = "List the accounts by age, without deleted and hidden ones."
    package static let access = OperationActor.Scope.read

    /// Which part of the list.
    package var range: ListRange
    /// Only accounts whose login or shown name contains this; `nil` for all.
    ///
    /// In shown names upper and lower case of ASCII letters are the same.
    package var search: String?
    /// Only the accounts that were made with administrators.
    package var onlyAdmins: Bool
    /// How many row numbers a search looks through at most; `nil`: as many as it takes.
    ///
    /// A page may then have fewer items although a next one follows.
    package var rows: Int64?

    package init(range: ListRange = ListRange(), search: String? = nil, onlyAdmins: Bool = false, rows: Int64? = nil) {
        self.range = range
        self.search = search
        self.onlyAdmins = onlyAdmins
        self.rows = rows
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<UserReport> {
        try range.check()
        try context.check(search, "text to search for", limit: ChatLimits.loginBytes)
        if onlyAdmins { return try await administrators(on: context) }
        guard let search else {
            let users = try await context.reading {
                try await $0.users(after: UserID(range.after), limit: range.limit + 1)
            }
            return ListPage(users.map(UserReport.init), limit: range.limit, row: \.row)
        }
        let key = Login.key(of: search)
        let last = try await context.reading { try await $0.lastUser() }
        let (found, end) = try await range.search(through: last.rawValue, rows: rows) {
            (after, through, limit) async throws(OperationError) in
            try await context.reading {
                try await $0.users(
                    named: key, as: search, after: UserID(after), through: UserID(through), limit: limit)
            }
        }
        return ListPage(found.map(UserReport.init), limit: range.limit, searchedTo: end, row: \.row)
    }

    /// There are few of them.
    private func administrators(on context: OperationContext) async throws(OperationError) -> ListPage<UserReport> {
        let ids = try await context.administrators().compactMap(\.user)
        let users = try await context.reading { try await $0.shownUsers(ids) }.values
        let key = search.map { Login.key(of: $0) }
        let wanted = users.filter { user in
            guard user.deleted == nil, user.id.rawValue > range.after else { return false }
            return key.map { user.loginKey.contains($0) || Login.key(of: user.username).contains($0) } ?? true
        }.sorted { $0.id < $1.id }
        return ListPage(wanted.prefix(range.limit + 1).map(UserReport.init), limit: range.limit, row: \.row)
    }
}

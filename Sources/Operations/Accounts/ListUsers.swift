// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.list`: the accounts by age, without deleted and hidden ones, a page at a time.
package struct ListUsers: AdminOperation {
    package static let name = "user.list"
    package static let summary = "List the accounts by age, without deleted and hidden ones."
    package static let access = OperationActor.Scope.read

    /// How many accounts are read at a time when only some are wanted.
    private static let searchStep = 500

    /// Which part of the list.
    package var range: ListRange
    /// Only accounts whose login or shown name contains this, in whatever case; `nil` for all.
    package var search: String?
    /// Only the accounts that were made with administrators.
    package var onlyAdmins: Bool

    package init(range: ListRange = ListRange(), search: String? = nil, onlyAdmins: Bool = false) {
        self.range = range
        self.search = search
        self.onlyAdmins = onlyAdmins
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<UserReport> {
        try range.check()
        try context.check(search, "text to search for", limit: ChatLimits.loginBytes)
        let isWanted = try await filter(on: context)
        let wanted = range.limit + 1
        var found: [UserRecord] = []
        var last = UserID(range.after)
        repeat {
            try context.checkCancellation()
            let after = last
            let limit = isWanted == nil ? wanted : Self.searchStep
            let page = try await context.reading { try await $0.users(after: after, limit: limit) }
            found += page.filter { isWanted?($0) ?? true }
            guard isWanted != nil, let end = page.last else { break }
            last = end.id
        } while found.count < wanted
        return ListPage(found.prefix(wanted).map(UserReport.init), limit: range.limit, row: \.row)
    }

    /// What says which accounts are wanted; `nil` for all.
    private func filter(on context: OperationContext) async throws(OperationError) -> ((UserRecord) -> Bool)? {
        let key = search.map { Login.key(of: $0) }
        let admins: Set<UserID>? = onlyAdmins ? Set(try await context.administrators().compactMap(\.user)) : nil
        guard key != nil || admins != nil else { return nil }
        return { user in
            guard admins?.contains(user.id) ?? true else { return false }
            return key.map { user.loginKey.contains($0) || Login.key(of: user.username).contains($0) } ?? true
        }
    }
}

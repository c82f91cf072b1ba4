// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A part of a list, and where the next part begins.
package struct ListPage<Item: Codable & Sendable>: Codable, Sendable {
    /// At most as many as were asked for.
    package var items: [Item]
    /// What to give as `after` for the next page; `nil` on the last one.
    package var next: Int64?

    /// Creates a page that says itself where the next one begins.
    init(items: [Item], next: Int64?) {
        self.items = items
        self.next = next
    }

    /// Creates a page from the items read, of which one more than asked for shows that there is a next page.
    init(_ items: [Item], limit: Int, row: (Item) -> Int64) {
        self.items = Array(items.prefix(limit))
        next = items.count > limit ? self.items.last.map(row) : nil
    }
}

/// Which part of a list is wanted.
package struct ListRange: Codable, Sendable, Equatable {
    /// The most items of one page.
    package static let maximumLimit = 10_000

    /// Items after this row number.
    package var after: Int64
    /// How many, 1 to 10,000.
    package var limit: Int

    package init(after: Int64 = 0, limit: Int = 500) {
        self.after = after
        self.limit = limit
    }

    /// Refuses what is out of range.
    func check() throws(OperationError) {
        guard (1...Self.maximumLimit).contains(limit) else {
            throw OperationError(.invalid, "A page has 1 to \(Self.maximumLimit) items, not \(limit).")
        }
    }
}

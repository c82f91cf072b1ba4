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

    /// Creates a page of what was found among rows up to `end`; `nil` when all rows were looked at.
    init(_ found: [Item], limit: Int, searchedTo end: Int64?, row: (Item) -> Int64) {
        self.init(found, limit: limit, row: row)
        if next == nil { next = end }
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

    /// The row numbers that a search looks through at a time.
    static let searchStep: Int64 = 10_000

    /// Looks for a page's items in one part of the rows after the other, in the order of their numbers.
    ///
    /// - Parameters:
    ///   - last: The highest row number.
    ///   - rows: How many row numbers are looked through at most; `nil`: all.
    ///   - find: Finds at most so many items after one row and through another.
    /// - Returns: What was found, at most one more than wanted, and where the search ended before the last row.
    /// - Throws: What `find` throws.
    func search<Found>(
        through last: Int64, rows: Int64?,
        _ find: (_ after: Int64, _ through: Int64, _ limit: Int) async throws(OperationError) -> [Found]
    ) async throws(OperationError) -> (found: [Found], end: Int64?) {
        var found: [Found] = []
        var place = max(0, after)
        // `after` may be any number that was written into an address: nothing is added to it before it is compared.
        let end = rows.map { $0 < last - place ? place + max(1, $0) : last } ?? last
        while place < end, found.count <= limit {
            if Task.isCancelled { throw .interrupted }
            let next = min(end, place + Self.searchStep)
            found += try await find(place, next, limit + 1 - found.count)
            place = next
        }
        return (found, end < last ? end : nil)
    }

    /// Refuses what is out of range.
    func check() throws(OperationError) {
        guard (1...Self.maximumLimit).contains(limit) else {
            throw OperationError(.invalid, "A page has 1 to \(Self.maximumLimit) items, not \(limit).")
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

/// Which part of a list is wanted; all of it unless something else is said.
struct ListOptions: ParsableArguments {
    private static let pageSize = 500

    /// Rows after this one.
    @Option(help: ArgumentHelp("Begin after the row with this number.", valueName: "row"))
    var after: Int64?

    /// The most rows that are listed.
    @Option(help: ArgumentHelp("List at most this many. (default: all)", valueName: "count"))
    var limit: Int?

    /// Refuses numbers that cannot be meant.
    func validate() throws {
        if let after, after < 0 { throw ValidationError("Please give --after a row number, 0 or more.") }
        if let limit, limit < 1 { throw ValidationError("Please give --limit a number, 1 or more.") }
    }

    /// Writes a list page by page; `operation` reads the page of a range.
    func write<Item, Operation: AdminOperation>(
        _ name: String, headings: [String], output: OutputOptions, runner: OperationRunner,
        cells: @escaping @Sendable (Item) -> [String], operation: @escaping @Sendable (ListRange) -> Operation
    ) async throws where Operation.Report == ListPage<Item> {
        let (start, limit) = (after ?? 0, limit ?? .max)
        try await runner.withCaller { caller in
            var list = StreamedList(name: name, headings: headings, output: output)
            var next: Int64? = start
            var left = limit
            while let after = next, left > 0 {
                let page = try await caller.run(operation(ListRange(after: after, limit: min(left, Self.pageSize))))
                try list.write(page.items, cells: cells)
                left -= page.items.count
                next = page.next
            }
            try list.finish(next: next)
        }
    }
}

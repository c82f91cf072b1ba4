// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.list`: the flows by age, without those of the server's own bots, a page at a time.
package struct ListFlows: AdminOperation {
    package static let name = "flow.list"
    package static let summary = "List the flows by age, without those of the server's own bots."
    package static let access = OperationActor.Scope.read

    /// Which part of the list.
    package var range: ListRange
    /// Only flows whose title contains this; upper and lower case of ASCII letters are the same.
    package var title: String?
    /// Only flows created at this time or later, in Unix seconds.
    package var since: Int64?

    /// How many row numbers a search looks through at most, as in `user.list`.
    package var rows: Int64?

    package init(range: ListRange = ListRange(), title: String? = nil, since: Int64? = nil, rows: Int64? = nil) {
        self.range = range
        self.title = title
        self.since = since
        self.rows = rows
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<FlowReport> {
        try range.check()
        try context.check(title, "title", limit: ChatLimits.titleBytes)
        let time = since.map { Timestamp(seconds: $0) }
        let last = try await context.reading { try await $0.lastFlow() }
        let (found, end) = try await range.search(through: last.rawValue, rows: rows) {
            (after, through, limit) async throws(OperationError) in
            try await context.reading {
                try await $0.shownFlows(
                    title: title, since: time, after: FlowID(after), through: FlowID(through), limit: limit)
            }
        }
        return ListPage(
            try await context.reports(of: found), limit: range.limit, searchedTo: end, row: \.row)
    }
}

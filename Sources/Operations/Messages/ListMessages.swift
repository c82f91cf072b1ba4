// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `message.list`: the messages of a flow in order, a page at a time.
package struct ListMessages: AdminOperation {
    package static let name = "message.list"
    package static let summary = "List the messages of a flow in order."
    package static let access = OperationActor.Scope.read

    /// The flow, as operators name it.
    package var uuid: String
    /// Which part of the list; `after` counts the messages that are left out at the beginning.
    package var range: ListRange
    /// Only messages sent at this time or later, in Unix seconds.
    package var since: Int64?

    package init(uuid: String, range: ListRange = ListRange(), since: Int64? = nil) {
        self.uuid = uuid
        self.range = range
        self.since = since
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<MessageReport> {
        try range.check()
        let flow = try await context.flow(uuid: uuid)
        var start = max(range.after, 0)
        if let since {
            let first = try await context.reading {
                try await $0.number(
                    ofFirstMessageIn: flow.id, atOrAfter: Timestamp(seconds: since), count: flow.messageCount)
            }
            start = max(start, first)
        }
        guard start < flow.messageCount else { return ListPage(items: [], next: nil) }
        let numbers = start..<min(start + Int64(range.limit), flow.messageCount)
        let page = try await context.reading { try await $0.messages(in: flow.id, numbers: numbers) }
        let end = page.isCut ? page.messages.last.map { $0.number + 1 } ?? numbers.upperBound : numbers.upperBound
        return ListPage(
            items: try await context.reports(of: page.messages), next: end < flow.messageCount ? end : nil)
    }
}

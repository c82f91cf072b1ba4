// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.list`: the flows by age, a page at a time.
package struct ListFlows: AdminOperation {
    package static let name = "flow.list"

    /// Which part of the list.
    package var range: ListRange

    /// Creates the operation.
    package init(range: ListRange = ListRange()) {
        self.range = range
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<FlowReport> {
        try range.check()
        let flows = try await context.reading { () async throws(StorageError) in
            try await context.chat.storage.flows(after: FlowID(range.after), limit: range.limit + 1)
        }
        return ListPage(try await context.reports(of: flows), limit: range.limit, row: \.row)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.delete`: removes a flow and everything in it for good.
///
/// It is gone for everybody at once; its messages are removed afterwards in small steps. What an interruption leaves is
/// removed with the next flow that is deleted.
package struct DeleteFlow: AdminOperation {
    package static let name = "flow.delete"
    package static let summary = "Delete a flow and everything in it for good."
    package static let access = OperationActor.Scope.write
    package static let isLong = true
    package static let isDestructive = true

    private static let purgeStep = 1000

    package var uuid: String

    package init(uuid: String) {
        self.uuid = uuid
    }

    package var target: String? { uuid }

    package func run(on context: OperationContext) async throws(OperationError) -> FlowReport {
        let flow = try await context.flow(uuid: uuid)
        let report = try await context.report(of: flow)
        _ = try await context.write(Write.DeleteFlow(flow.id), on: report.uuid)
        let total = Int(flow.eventCount)
        var done = 0
        while true {
            let isDone = try await context.reading { try await $0.purgeDeletedFlows(limit: Self.purgeStep) }
            if isDone { return report }
            try context.checkCancellation()
            done = min(done + Self.purgeStep, total)
            await context.progress(OperationProgress(phase: "events", done: done, total: total))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow delete`: removes a flow.
    struct Delete: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a flow with all its messages for good.",
            discussion: """
                Examples:
                  manage flow delete Team
                  manage flow delete 277341582342374813 --yes
                """
        )

        @OptionGroup var flow: FlowArgument

        @OptionGroup(title: "Confirmation Options") var confirmation: DeletionOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            // The question names the flow that is meant.
            let meant = try await runner.run(ShowFlow(uuid: flow.name)).flow
            let title = meant.title.isEmpty ? "" : " '\(meant.title)'"
            try confirmation.require(
                "Delete the \(meant.type) \(meant.uuid)\(title) with all its messages?",
                of: meant.title.isEmpty ? meant.uuid : meant.title, meant.uuid)
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let flow = try await runner.run(DeleteFlow(uuid: meant.uuid)) { bar.show($0) }
            try output.write(ChangedFlowReport(flow: flow, verb: "Deleted"))
        }
    }
}

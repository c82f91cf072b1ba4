// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow delete`: removes a flow.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a flow with all its messages for good.",
            discussion: """
                Examples:
                  manage flow delete 277341582342374813
                  manage flow delete 277341582342374813 --yes
                """
        )

        @Argument(help: "The flow's uuid, digits only.")
        var uuid: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            try confirmation.require("Delete the flow \(uuid) with all its messages?")
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let flow = try await OperationRunner(settings: loaded).run(DeleteFlow(uuid: uuid)) { bar.show($0) }
            try output.write(ChangedFlowReport(flow: flow, verb: "Deleted"))
        }
    }
}

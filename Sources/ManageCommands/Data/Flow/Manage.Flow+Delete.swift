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
                  manage flow delete Team
                  manage flow delete 277341582342374813 --yes
                """
        )

        @Argument(
            help: ArgumentHelp(
                "The flow: its uuid or the first digits of it, its row, or its title.", valueName: "flow"),
            completion: .flows)
        var uuid: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let runner = OperationRunner(settings: loaded)
            // What is meant is known before anybody is asked.
            let meant = try await runner.run(ShowFlow(uuid: uuid)).flow
            let title = meant.title.isEmpty ? "" : " '\(meant.title)'"
            try confirmation.require("Delete the \(meant.type) \(meant.uuid)\(title) with all its messages?")
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let flow = try await runner.run(DeleteFlow(uuid: meant.uuid)) { bar.show($0) }
            try output.write(ChangedFlowReport(flow: flow, verb: "Deleted"))
        }
    }
}

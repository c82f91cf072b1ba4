// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow update`: changes a flow.
    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "update",
            abstract: "Change a flow's title, info, type or owner.",
            discussion: """
                What is not given stays as it is. A group can become a channel and the
                reverse. A new owner becomes a member of a private flow; the old one stays
                a member.

                Examples:
                  manage flow update 277341582342374813 --title "New name"
                  manage flow update 277341582342374813 --type channel --owner bob
                """
        )

        @Argument(
            help: ArgumentHelp(
                "The flow: its uuid or the first digits of it, its row, or its title.", valueName: "flow"),
            completion: .flows)
        var uuid: String

        @Option(help: ArgumentHelp("Another title.", valueName: "text"))
        var title: String?

        @Option(help: ArgumentHelp("What it is about; empty for nothing.", valueName: "text"))
        var info: String?

        @Option(help: "What it becomes: group or channel.")
        var type: CreateFlow.Kind?

        @Option(help: ArgumentHelp("The new owner's login.", valueName: "login"))
        var owner: String?

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func validate() throws {
            if title == nil, info == nil, type == nil, owner == nil {
                throw ValidationError("Please give something to change, such as --title.")
            }
        }

        func run() async throws {
            let loaded = try settings.load(output: output)
            let operation = UpdateFlow(uuid: uuid, title: title, info: info, type: type, owner: owner)
            let flow = try await OperationRunner(settings: loaded).run(operation)
            try output.write(ChangedFlowReport(flow: flow, verb: "Changed"))
        }
    }
}

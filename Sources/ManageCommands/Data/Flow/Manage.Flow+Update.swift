// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow update`: changes a flow.
    struct Update: OperationCommand {
        static let configuration = CommandConfiguration(
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

        @OptionGroup var flow: FlowArgument

        @Option(help: ArgumentHelp("Another title.", valueName: "text"))
        var title: String?

        @Option(help: ArgumentHelp("What it is about; empty for nothing.", valueName: "text"))
        var info: String?

        @Option(help: "What it becomes: group or channel.")
        var type: CreateFlow.Kind?

        @Option(help: ArgumentHelp("The new owner's login.", valueName: "login"))
        var owner: String?

        @OptionGroup var common: OperationOptions

        func validate() throws {
            if title == nil, info == nil, type == nil, owner == nil {
                throw ValidationError("Please give something to change, such as --title.")
            }
        }

        func operation() -> UpdateFlow {
            UpdateFlow(uuid: flow.name, title: title, info: info, type: type, owner: owner)
        }

        func report(_ flow: FlowReport) -> ChangedFlowReport { ChangedFlowReport(flow: flow, verb: "Changed") }
    }
}

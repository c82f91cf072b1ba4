// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension CreateFlow.Kind: ExpressibleByArgument {}

extension Manage.Flow {
    /// `flow create`: a new flow.
    struct Create: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a chat, group or channel.",
            discussion: """
                Without members a group or channel is public: every account reads it and,
                in a group, writes. A chat has its owner and one other.

                Examples:
                  manage flow create --login alice --type group --title Lobby
                  manage flow create --login alice --type channel --title News --member bob
                  manage flow create --login alice --type chat --title "" --member bob
                """
        )

        @Option(help: ArgumentHelp("The owner's login.", valueName: "login"), completion: .logins)
        var login: String

        @Option(help: "What it is.")
        var type: CreateFlow.Kind

        @Option(help: ArgumentHelp("The title.", valueName: "text"))
        var title: String

        @Option(help: ArgumentHelp("What it is about.", valueName: "text"))
        var info: String?

        @Option(
            name: .customLong("member"), help: ArgumentHelp("A member beside the owner.", valueName: "login"),
            completion: .logins)
        var members: [String] = []

        @OptionGroup var common: OperationOptions

        func operation() -> CreateFlow {
            CreateFlow(owner: login, type: type, title: title, info: info ?? "", members: members)
        }

        func report(_ flow: FlowReport) -> ChangedFlowReport { ChangedFlowReport(flow: flow, verb: "Created") }
    }
}

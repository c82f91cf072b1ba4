// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow add-member`: one more member.
    struct AddMember: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-member",
            abstract: "Add an account to a private group or channel.",
            discussion: """
                Examples:
                  manage flow add-member Team bob
                  manage flow add-member 2773 bob
                """
        )

        @Argument(
            help: ArgumentHelp(
                "The flow: its uuid or the first digits of it, its row, or its title.", valueName: "flow"),
            completion: .flows)
        var uuid: String

        @Argument(help: "The new member's login.", completion: .logins)
        var login: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let operation = Operations.AddMember(uuid: uuid, login: login)
            try output.write(try await OperationRunner(settings: loaded).run(operation))
        }
    }
}

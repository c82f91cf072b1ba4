// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow remove-member`: one member fewer.
    struct RemoveMember: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove-member",
            abstract: "Take an account out of a private group or channel.",
            discussion: """
                The owner stays a member.

                Example:
                  manage flow remove-member Team bob
                """
        )

        @Argument(
            help: ArgumentHelp(
                "The flow: its uuid or the first digits of it, its row, or its title.", valueName: "flow"),
            completion: .flows)
        var uuid: String

        @Argument(help: "The member's login.", completion: .logins)
        var login: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let operation = Operations.RemoveMember(uuid: uuid, login: login)
            try output.write(try await OperationRunner(settings: loaded).run(operation))
        }
    }
}

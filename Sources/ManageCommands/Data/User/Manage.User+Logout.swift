// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user logout`: ends sessions.
    struct Logout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logout",
            abstract: "End an account's sessions and close their connections.",
            discussion: """
                Examples:
                  manage user logout alice
                  manage user logout alice --session 17
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @Option(help: ArgumentHelp("End only this one of 'manage user sessions'.", valueName: "id"))
        var session: Int64?

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let operation = LogOutUser(login: login, session: session)
            try output.write(try await OperationRunner(settings: loaded).run(operation))
        }
    }
}

extension LogOutUser.Report: CommandReport {
    package func text(style: TextStyle) -> String {
        "Ended \(revoked) session\(revoked == 1 ? "" : "s") of '\(login.escapedForTerminal())'.\n"
    }
}

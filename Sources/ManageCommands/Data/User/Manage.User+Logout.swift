// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user logout`: ends sessions.
    struct Logout: OperationCommand {
        static let configuration = CommandConfiguration(
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

        @OptionGroup var common: OperationOptions

        func operation() -> LogOutUser { LogOutUser(login: login, session: session) }
    }
}

extension LogOutUser.Report: CommandReport {
    func text(style: TextStyle) -> String {
        "Ended \(revoked) session\(revoked == 1 ? "" : "s") of '\(login.escapedForTerminal())'.\n"
    }
}

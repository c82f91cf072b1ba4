// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user delete`: removes an account.
    struct Delete: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an account for good.",
            discussion: """
                Its sessions end at once. What it wrote stays, under the name of a deleted
                user; its login becomes free.

                Examples:
                  manage user delete alice
                  manage user delete alice --yes
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let runner = OperationRunner(settings: try loadSettings())
            // An account that does not exist is reported before the question.
            let meant = try await runner.run(ShowUser(login: login)).user
            try confirmation.require("Delete the account '\(meant.login)'?")
            let user = try await runner.run(DeleteUser(login: login))
            try output.write(ChangedUserReport(user: user, verb: "Deleted"))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `user`: accounts.
    struct User: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create, list, change, export and delete accounts, and end their sessions.",
            discussion: """
                Works on a running server, at once, and without one.

                Examples:
                  manage user create --login alice --username Alice
                  manage user list
                  manage user logout alice
                """,
            subcommands: [
                Create.self, List.self, Show.self, Update.self, Delete.self, SetPassword.self, Sessions.self,
                Logout.self, Limits.self, Export.self,
            ]
        )
    }
}

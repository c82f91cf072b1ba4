// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `db`: the database.
    struct Database: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "db",
            abstract: "Create, delete, look at and migrate the database.",
            discussion: """
                Examples:
                  manage db create
                  manage db status
                  manage db migrate
                """,
            subcommands: [Create.self, Delete.self, Status.self, Migrate.self]
        )
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `db`: the database.
    struct Database: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "db",
            abstract: "Create, delete, look at, migrate, back up and restore the database.",
            discussion: """
                Examples:
                  manage db create
                  manage db status
                  manage db migrate
                  manage db backup
                """,
            subcommands: [
                Create.self, Delete.self, Status.self, Migrate.self, Backup.self, Restore.self, Copy.self, Check.self,
                Stats.self, GC.self,
            ]
        )
    }
}

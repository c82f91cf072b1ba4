// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Storage

extension Manage.Database {
    /// `db create`: makes the tables.
    struct Create: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create the database's tables.",
            discussion: """
                A missing SQLite file is made; its folder must be there. A database of
                PostgreSQL must be there. 'manage runserver' does this by itself for
                SQLite.

                Examples:
                  manage db create
                  manage db create --config /etc/parley/config.ini --json
                """
        )

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let report = try await DatabaseSetup(settings: try loadSettings(), output: output).create()
            try output.write(report)
        }
    }
}

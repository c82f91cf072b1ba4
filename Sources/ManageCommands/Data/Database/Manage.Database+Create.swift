// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Storage

extension Manage.Database {
    /// `db create`: makes the tables.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
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

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let report = try await DatabaseSetup(settings: loaded, output: output).create()
            try output.write(report)
        }
    }
}

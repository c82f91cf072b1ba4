// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage.Database {
    /// `db migrate`: brings an older database up to date.
    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "migrate",
            abstract: "Bring the tables of an older version up to date.",
            discussion: """
                Each migration is done whole or not at all. Make a backup before. A running
                server must be stopped before.

                Examples:
                  manage db migrate
                  manage db migrate --json
                """
        )

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let report = try await DatabaseSetup(settings: loaded, output: output).migrate()
            try output.write(report)
        }
    }
}

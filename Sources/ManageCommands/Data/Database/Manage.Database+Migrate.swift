// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage.Database {
    /// `db migrate`: brings an older database up to date.
    struct Migrate: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring the tables of an older version up to date.",
            discussion: """
                Each migration is done whole or not at all. Make a backup before. A running
                server must be stopped before.

                Examples:
                  manage db migrate
                  manage db migrate --json
                """
        )

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let report = try await DatabaseSetup(settings: try loadSettings(), output: output).migrate()
            try output.write(report)
        }
    }
}

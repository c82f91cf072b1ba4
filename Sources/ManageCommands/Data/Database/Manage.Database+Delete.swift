// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage.Database {
    /// `db delete`: drops the tables.
    struct Delete: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete all tables with everything in them.",
            discussion: """
                All accounts, flows and messages are gone for good. The file or the
                database itself stays. A running server must be stopped before.

                Examples:
                  manage db delete
                  manage db delete --yes
                """
        )

        @OptionGroup(title: "Confirmation Options") var confirmation: DeletionOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let report = try await DatabaseSetup(settings: try loadSettings(), output: output).delete(confirmation)
            try output.write(report)
        }
    }
}

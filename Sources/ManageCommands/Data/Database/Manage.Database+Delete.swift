// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage.Database {
    /// `db delete`: drops the tables.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete all tables with everything in them.",
            discussion: """
                All accounts, flows and messages are gone for good. The file or the
                database itself stays. A running server must be stopped before.

                Examples:
                  manage db delete
                  manage db delete --yes
                """
        )

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            let report = try await DatabaseSetup(settings: loaded, output: output).delete(confirmation)
            try output.write(report)
        }
    }
}

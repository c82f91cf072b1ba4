// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user list`: all accounts.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the accounts by age.",
            discussion: """
                Examples:
                  manage user list
                  manage user list --limit 100 --after 2300
                  manage user list --search ali
                  manage user list --json
                """
        )

        @Option(
            help: ArgumentHelp("List those whose login or shown name contains this text.", valueName: "text"))
        var search: String?

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let runner = OperationRunner(settings: try settings.load(output: output))
            try await list.write(
                "users", headings: UserReport.headings, output: output, runner: runner, cells: { $0.cells },
                operation: { [search] in ListUsers(range: $0, search: search) })
        }
    }
}

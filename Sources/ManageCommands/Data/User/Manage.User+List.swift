// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user list`: all accounts.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the accounts by age.",
            discussion: """
                Examples:
                  manage user list
                  manage user list --limit 100 --after 2300
                  manage user list --search ali
                  manage user list --admins
                  manage user list --json
                  manage user list --server https://chat.example.org --token-file parley.token
                """
        )

        @Option(
            help: ArgumentHelp("List those whose login or shown name contains this text.", valueName: "text"))
        var search: String?

        @Flag(name: .customLong("admins"), help: "List the accounts of administrators only.")
        var onlyAdmins = false

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            try await list.write(
                "users", headings: UserReport.headings, output: output, runner: runner, cells: { $0.cells },
                operation: { [search, onlyAdmins] in ListUsers(range: $0, search: search, onlyAdmins: onlyAdmins) })
        }
    }
}

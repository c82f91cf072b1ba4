// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage {
    /// `superuser`: the administrators.
    struct Superuser: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List and remove administrators.",
            discussion: """
                An administrator has the password of the account that was created with it:
                'manage user set-password' changes both, 'manage user delete' removes both.

                Examples:
                  manage superuser-create --username admin
                  manage superuser list
                  manage superuser delete admin
                """,
            subcommands: [List.self, Delete.self]
        )
    }
}

extension Manage.Superuser {
    /// `superuser list`: the administrators by name.
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the administrators.",
            discussion: """
                Examples:
                  manage superuser list
                  manage superuser list --json
                """
        )

        @OptionGroup var common: OperationOptions

        func operation() -> ListSuperusers { ListSuperusers() }
    }

    /// `superuser delete`: one administrator less.
    struct Delete: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an administrator; the account stays.",
            discussion: """
                Remove the account as well with 'manage user delete'.

                Examples:
                  manage superuser delete admin
                  manage superuser delete admin --yes
                """
        )

        @Argument(help: ArgumentHelp("The administrator's name.", valueName: "name"))
        var username: String

        @OptionGroup(title: "Confirmation Options") var confirmation: DeletionOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let runner = OperationRunner(settings: try loadSettings())
            // One who does not exist is reported before the question.
            let known = try await runner.run(ListSuperusers()).superusers
            guard known.contains(where: { $0.username == username }) else {
                throw OperationError.noAdministrator(username)
            }
            try confirmation.require("Remove the administrator '\(username)'?", of: username)
            try output.write(
                RemovedSuperuserReport(superuser: try await runner.run(DeleteSuperuser(username: username))))
        }
    }
}

extension ListSuperusers.Report: CommandReport {
    func text(style: TextStyle) -> String {
        guard !superusers.isEmpty else {
            return "No administrators. Create one with 'manage superuser-create --username NAME'.\n"
        }
        var table = TableText(headings: ["NAME", "LOGIN", "SECOND FACTOR", "CREATED"])
        for superuser in superusers {
            table.add([
                superuser.username, superuser.login ?? "–", superuser.hasSecondFactor ? "on" : "off",
                superuser.created.minuteOfTime,
            ])
        }
        return table.text(style: style)
    }
}

/// An administrator that is none any more.
struct RemovedSuperuserReport: CommandReport {
    var superuser: SuperuserReport

    func text(style: TextStyle) -> String {
        let removed = "Removed the administrator '\(superuser.username.escapedForTerminal())'."
        guard let login = superuser.login else { return removed + "\n" }
        return removed + " The account '\(login.escapedForTerminal())' stays.\n"
    }
}

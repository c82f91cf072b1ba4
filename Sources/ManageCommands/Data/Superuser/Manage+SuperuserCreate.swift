// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage {
    /// `superuser-create`: an account that is an administrator.
    struct SuperuserCreate: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an administrator with an account to chat with.",
            discussion: """
                On a terminal the name is asked for, and the password twice. The password is
                never taken from the command line, which every user of the machine can read.

                Examples:
                  manage superuser-create
                  manage superuser-create --username admin
                  manage superuser-create --username admin --login alice --password-stdin < pw
                """
        )

        @Option(help: ArgumentHelp("The administrator's name. (default: ask on the terminal)", valueName: "name"))
        var username: String?

        @Option(help: ArgumentHelp("The account's login. (default: the administrator's name)", valueName: "login"))
        var login: String?

        @OptionGroup(title: "Password Options") var password: PasswordOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let runner = OperationRunner(settings: try loadSettings())
            let username = try username ?? Self.askForName()
            // What is taken is reported before the password is asked for.
            let known = try await runner.run(ListSuperusers()).superusers
            guard !known.contains(where: { $0.username == username }) else {
                throw OperationError.administratorExists(username)
            }
            _ = try await runner.run(CheckLogin(login: login ?? username))
            let secret = try password.password(prompt: "Password for \(username)", isNew: true)
            try output.write(
                try await runner.run(
                    CreateSuperuser(username: username, login: login ?? username, password: SecretText(secret))))
        }

        private static func askForName() throws(CommandError) -> String {
            let terminal = CommandContext.current.terminal
            guard terminal.isInteractive else {
                throw CommandError(
                    .usage, "There is no terminal to ask for the administrator's name on.",
                    nextStep: "Add --username NAME.")
            }
            return try terminal.ask("Username of the administrator")
        }
    }
}

extension CreateSuperuser.Report: CommandReport {
    func text(style: TextStyle) -> String {
        "Created the administrator '\(username.escapedForTerminal())' with the login "
            + "'\(user.login.escapedForTerminal())'.\n"
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user create`: a new account.
    struct Create: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an account.",
            discussion: """
                On a terminal the password is asked for twice. It is never taken from the
                command line, which every user of the machine can read.

                Examples:
                  manage user create --login alice --username "Alice A."
                  manage user create --login helper --bot --password-stdin < secret.txt
                """
        )

        @Option(help: ArgumentHelp("A login that is not in use.", valueName: "login"))
        var login: String

        @Option(help: ArgumentHelp("The shown name. (default: the login)", valueName: "name"))
        var username: String?

        @Flag(name: .customLong("bot"), help: "The account is a program's.")
        var isBot = false

        @Option(help: ArgumentHelp("The mail address.", valueName: "address"))
        var email: String?

        @OptionGroup(title: "Password Options") var password: PasswordOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            // A login that is taken is told before the question; another machine's server tells it after.
            if !runner.isRemote { _ = try await runner.run(CheckLogin(login: login)) }
            let secret = try password.password(prompt: "Password for \(login)", isNew: true)
            let operation = CreateUser(
                login: login, username: username ?? login, password: SecretText(secret), isBot: isBot,
                email: email ?? "")
            let user = try await runner.run(operation)
            try output.write(ChangedUserReport(user: user, verb: "Created"))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user set-password`: another password.
    struct SetPassword: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an account another password and end its sessions.",
            discussion: """
                On a terminal the password is asked for twice.

                Examples:
                  manage user set-password alice
                  manage user set-password alice --password-file secret.txt
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @OptionGroup(title: "Password Options") var password: PasswordOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            _ = try await runner.run(ShowUser(login: login))
            let secret = try password.password(prompt: "New password for \(login)", isNew: true)
            let operation = Operations.SetPassword(login: login, password: SecretText(secret))
            let user = try await runner.run(operation)
            try output.write(ChangedUserReport(user: user, verb: "Changed", object: "the password of"))
        }
    }
}

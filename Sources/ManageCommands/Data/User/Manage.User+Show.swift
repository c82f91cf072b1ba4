// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user show`: one account.
    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an account.",
            discussion: """
                Examples:
                  manage user show alice
                  manage user show alice --json
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @OptionGroup var common: OperationOptions

        func operation() -> ShowUser { ShowUser(login: login) }
    }
}

extension ShowUser.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Login", user.login)
        fields.add("Username", user.username)
        fields.add("UUID", user.uuid)
        fields.add("Row", "\(user.row)")
        fields.add("FastChat", "\(user.publicNumber)")
        fields.add("Bot", user.isBot ? "yes" : "no")
        fields.add("Email", user.email.isEmpty ? "-" : user.email)
        fields.add("Bio", user.bio.isEmpty ? "-" : user.bio)
        fields.add("Avatar", avatarBytes == 0 ? "-" : "\(avatarBytes) bytes")
        fields.add("Created", user.created)
        fields.add("Password", passwordHash)
        fields.add("Sessions", "\(sessions)")
        fields.add("Connected", isConnected ? "yes" : "no")
        return fields.text(style: style)
    }
}

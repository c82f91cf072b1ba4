// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Chat
import FoundationEssentials
import Operations

extension Manage.User {
    /// `user update`: changes an account.
    struct Update: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change an account's login, name, mail address, bio, picture or kind.",
            discussion: """
                What is not given stays as it is. Sessions stay open.

                Examples:
                  manage user update alice --username "Alice B."
                  manage user update alice --new-login alicia --email ""
                  manage user update alice --avatar portrait.png
                  manage user update helper --bot
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @Option(name: .customLong("new-login"), help: ArgumentHelp("Another login.", valueName: "login"))
        var newLogin: String?

        @Option(help: ArgumentHelp("Another shown name.", valueName: "name"))
        var username: String?

        @Option(help: ArgumentHelp("Another mail address; empty for none.", valueName: "address"))
        var email: String?

        @Option(help: ArgumentHelp("What the account says about itself.", valueName: "text"))
        var bio: String?

        @Option(
            help: ArgumentHelp(
                "A picture file, kept as Base64, at most \(Update.maximumAvatarBytes >> 10) KiB; empty for none.",
                valueName: "path"),
            completion: .file())
        var avatar: String?

        @Flag(inversion: .prefixedNo, help: "Whether the account is a program's.")
        var bot: Bool?

        @OptionGroup var common: OperationOptions

        func validate() throws {
            if newLogin == nil, username == nil, email == nil, bio == nil, avatar == nil, bot == nil {
                throw ValidationError("Please give something to change, such as --username.")
            }
        }

        func operation() throws -> UpdateUser {
            UpdateUser(
                login: login, newLogin: newLogin, username: username, email: email, bio: bio,
                avatar: try avatar.map { try Self.picture($0) }, isBot: bot)
        }

        func report(_ user: UserReport) -> ChangedUserReport { ChangedUserReport(user: user, verb: "Changed") }

        /// What fits as Base64.
        private static let maximumAvatarBytes = ChatLimits.avatarBytes / 4 * 3

        private static func picture(_ path: String) throws(CommandError) -> String {
            guard let file = AttachmentFile(argument: "picture=\(path)") else { return "" }
            let bytes = try file.bytes()
            guard bytes.count <= maximumAvatarBytes else {
                throw CommandError(
                    .usage, "The picture '\(path)' is larger than \(maximumAvatarBytes >> 10) KiB.",
                    nextStep: "Give a smaller one.")
            }
            return Data(bytes).base64EncodedString()
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage {
    /// `superuser-totp`: the second factor of an administrator.
    struct SuperuserTOTP: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "superuser-totp",
            abstract: "Switch an administrator's second factor on or off.",
            discussion: """
                With a second factor the admin panel asks for a code of six digits beside the
                password (TOTP). 'enable' prints, this once, what an authenticator is given: a
                text that starts with otpauth://. A lost authenticator is replaced by 'disable'
                and 'enable'.

                Examples:
                  manage superuser-totp admin enable
                  manage superuser-totp admin disable
                """
        )

        /// What is to be done.
        enum Action: String, ExpressibleByArgument, CaseIterable { case enable, disable }

        @Argument(help: ArgumentHelp("The administrator's name.", valueName: "name"))
        var username: String

        @Argument(help: "What to do.")
        var action: Action

        @OptionGroup var common: CommonOptions

        func operation() -> SetSecondFactor { SetSecondFactor(username: username, isEnabled: action == .enable) }
    }
}

extension SetSecondFactor.Report: CommandReport {
    func text(style: TextStyle) -> String {
        let name = username.escapedForTerminal(lineBreaks: false)
        guard let uri else { return "The administrator '\(name)' has no second factor any more.\n" }
        return "Add this to an authenticator; it is shown this once:\n\(uri.clearText)\n"
    }
}

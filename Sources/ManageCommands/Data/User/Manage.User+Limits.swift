// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage.User {
    /// `user limits`: the limits that an account has of its own.
    struct Limits: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or change the limits that an account has of its own.",
            discussion: """
                Limits of an account go before those of [RATE_LIMIT] in the settings. A
                rate says how many per second, minute, hour or day, and how many at once.
                'off' is no limit, 'default' is that of the settings. What is not given
                stays as it is.

                Examples:
                  manage user limits alice
                  manage user limits helper --writes "100/s burst 500" --flows 5000
                  manage user limits helper --bytes "50 GiB" --reads default
                  manage user limits helper --unlimited
                  manage user limits helper --reset
                """
        )

        @Argument(help: "The account's login.")
        var login: String

        @Option(help: ArgumentHelp("Messages, edits, deletions, flows, members and contacts.", valueName: "rate"))
        var writes: String?

        @Option(help: ArgumentHelp("Requests for messages, flows, people and updates.", valueName: "rate"))
        var reads: String?

        @Option(help: ArgumentHelp("Successful logins.", valueName: "rate"))
        var logins: String?

        @Option(
            name: .customLong("profile-changes"),
            help: ArgumentHelp("Changes of name, picture and keys.", valueName: "rate"))
        var profileChanges: String?

        @Option(help: ArgumentHelp("Groups and channels that it may own.", valueName: "number"))
        var flows: String?

        @Option(help: ArgumentHelp("What its messages may take in the store.", valueName: "size"))
        var bytes: String?

        @Flag(help: "No limit of any kind.")
        var unlimited = false

        @Flag(help: "Take all limits of its own away.")
        var reset = false

        @OptionGroup var common: OperationOptions

        func validate() throws {
            let isGiven = [writes, reads, logins, profileChanges, flows, bytes].contains { $0 != nil }
            if [unlimited, reset, isGiven].count(where: { $0 }) > 1 {
                throw ValidationError("Please give either limits, --unlimited or --reset.")
            }
            if let bytes, !["off", LimitUser.standard].contains(bytes), SettingKind.size(bytes) == nil {
                throw ValidationError("Please give --bytes as a size such as '10 GiB', off or default.")
            }
        }

        func operation() -> LimitUser {
            var changes: [LimitUser.Limit: String] = [:]
            if unlimited {
                for limit in LimitUser.Limit.allCases { changes[limit] = "off" }
            } else {
                changes[.write] = writes
                changes[.read] = reads
                changes[.login] = logins
                changes[.profile] = profileChanges
                changes[.flows] = flows
                changes[.bytes] = bytes.map { text in SettingKind.size(text).map { "\($0)" } ?? text }
            }
            return LimitUser(login: login, changes: changes, resets: reset)
        }
    }
}

extension LimitUser.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Login", login)
        for (limit, title) in Self.titles { fields.add(title, limits[limit].map(shown(limit)) ?? "as in the settings") }
        fields.add("Stored", "\(storedBytes) bytes")
        return fields.text(style: style)
    }

    private static let titles: [(LimitUser.Limit, String)] = [
        (.write, "Writes"), (.read, "Reads"), (.login, "Logins"), (.profile, "Profile changes"), (.flows, "Flows"),
        (.bytes, "Bytes"),
    ]

    private func shown(_ limit: LimitUser.Limit) -> (String) -> String {
        { text in limit == .bytes ? Int(text).map(SettingKind.sizeText) ?? text : text }
    }
}

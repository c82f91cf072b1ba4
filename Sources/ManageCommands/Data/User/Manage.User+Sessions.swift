// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user sessions`: where an account is logged in.
    struct Sessions: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "List an account's sessions, newest first.",
            discussion: """
                Examples:
                  manage user sessions alice
                  manage user sessions alice --json
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @OptionGroup var common: OperationOptions

        func operation() -> ListSessions { ListSessions(login: login) }
    }
}

extension ListSessions.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["SESSION", "PROTOCOL", "NODE", "ADDRESS", "CREATED", "LAST SEEN", "EXPIRES"])
        for session in sessions {
            table.add([
                "\(session.id)", session.protocol, session.node ?? session.state.rawValue, session.address,
                session.created.minuteOfTime, session.lastSeen.minuteOfTime, session.expires.dayOfTime,
            ])
        }
        return table.text(style: style)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

/// What a command that changed an account prints.
struct ChangedUserReport: CommandReport {
    private enum CodingKeys: String, CodingKey { case user }

    var user: UserReport
    /// What happened, such as `Created`.
    var verb: String
    /// What the verb did it to, such as `the user`.
    var object = "the user"

    func text(style: TextStyle) -> String { "\(verb) \(object) '\(user.login.escapedForTerminal())'.\n" }
}

extension UserReport {
    static let headings = ["ROW", "LOGIN", "USERNAME", "BOT", "FASTCHAT", "CREATED"]

    var cells: [String] {
        ["\(row)", login, username, isBot ? "yes" : "no", "\(publicNumber)", created.dayOfTime]
    }
}

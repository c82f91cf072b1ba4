// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

/// What a command that made or removed a flow prints.
struct ChangedFlowReport: CommandReport {
    private enum CodingKeys: String, CodingKey { case flow }

    var flow: FlowReport
    /// What happened, such as `Created`.
    var verb: String

    func text(style: TextStyle) -> String {
        "\(verb) the \(flow.type) \(flow.uuid) '\(flow.title.escapedForTerminal(lineBreaks: false))'.\n"
    }
}

extension FlowReport {
    static let headings = ["ROW", "TYPE", "PUBLIC", "OWNER", "MESSAGES", "CREATED", "TITLE"]

    var cells: [String] {
        ["\(row)", type, isPublic ? "yes" : "no", owner, "\(messages)", created.dayOfTime, title]
    }
}

extension MembershipReport: CommandReport {
    func text(style: TextStyle) -> String {
        let name = login.escapedForTerminal()
        return isMember ? "Added '\(name)' to flow \(flow).\n" : "Removed '\(name)' from flow \(flow).\n"
    }
}

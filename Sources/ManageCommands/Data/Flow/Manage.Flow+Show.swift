// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow show`: one flow.
    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a flow and its members.",
            discussion: """
                Examples:
                  manage flow show Team
                  manage flow show 277341582342374813 --json
                """
        )

        @OptionGroup var flow: FlowArgument

        @OptionGroup var common: OperationOptions

        func operation() -> ShowFlow { ShowFlow(uuid: flow.name) }
    }
}

extension ShowFlow.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("UUID", flow.uuid)
        fields.add("Row", "\(flow.row)")
        fields.add("Type", flow.type)
        fields.add("Title", flow.title)
        fields.add("Info", flow.info.isEmpty ? "-" : flow.info)
        fields.add("Owner", flow.owner)
        fields.add("Messages", "\(flow.messages)")
        fields.add("Created", flow.created)
        let more = areMembersCut ? ", and more" : ""
        fields.add("Members", flow.isPublic ? "everybody" : members.joined(separator: ", ") + more)
        return fields.text(style: style)
    }
}

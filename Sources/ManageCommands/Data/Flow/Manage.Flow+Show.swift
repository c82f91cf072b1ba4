// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow show`: one flow.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a flow and its members.",
            discussion: """
                Examples:
                  manage flow show Team
                  manage flow show 277341582342374813 --json
                """
        )

        @Argument(
            help: ArgumentHelp(
                "The flow: its uuid or the first digits of it, its row, or its title.", valueName: "flow"),
            completion: .flows)
        var uuid: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            try output.write(try await OperationRunner(settings: loaded).run(ShowFlow(uuid: uuid)))
        }
    }
}

extension ShowFlow.Report: CommandReport {
    package func text(style: TextStyle) -> String {
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

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow list`: all flows.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the flows by age.",
            discussion: """
                Examples:
                  manage flow list
                  manage flow list --title team --since 7d
                  manage flow list --limit 100 --after 2300
                  manage flow list --json
                """
        )

        @Option(help: ArgumentHelp("Only flows with this in their title.", valueName: "text"))
        var title: String?

        @Option(
            help: ArgumentHelp("Only flows created since: \(PointInTime.form).", valueName: "time"))
        var since: PointInTime?

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let seconds = since?.seconds(now: CommandContext.current.now())
            try await list.write(
                "flows", headings: FlowReport.headings, output: output, runner: runner, cells: { $0.cells },
                operation: { [title] in ListFlows(range: $0, title: title, since: seconds) })
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow list`: all flows.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the flows by age.",
            discussion: """
                Examples:
                  manage flow list
                  manage flow list --limit 100 --after 2300
                  manage flow list --json
                """
        )

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let runner = OperationRunner(settings: try settings.load(output: output))
            try await list.write(
                "flows", headings: FlowReport.headings, output: output, runner: runner, cells: { $0.cells },
                operation: { ListFlows(range: $0) })
        }
    }
}

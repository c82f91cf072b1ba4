// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message list`: the messages of a flow.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the messages of a flow in order.",
            discussion: """
                Texts are shortened; --json has them whole, and the uuids. --after counts
                the messages that are left out at the beginning.

                Examples:
                  manage message list 277341582342374813
                  manage message list 277341582342374813 --after 200 --limit 100
                  manage message list 277341582342374813 --since 2026-01-31 --json
                """
        )

        @OptionGroup var flow: FlowArgument

        @Option(help: ArgumentHelp("Only messages since: \(PointInTime.form).", valueName: "time"))
        var since: PointInTime?

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let seconds = since?.seconds(now: CommandContext.current.now())
            try await list.write(
                "messages", headings: MessageReport.headings, output: output, runner: runner, cells: { $0.cells },
                operation: { [flow] in ListMessages(uuid: flow.name, range: $0, since: seconds) })
        }
    }
}

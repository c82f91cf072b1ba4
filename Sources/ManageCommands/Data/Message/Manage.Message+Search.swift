// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message search`: messages by their words.
    struct Search: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find the messages that contain every one of some words, newest first.",
            discussion: """
                Whole words are found, in upper and lower case alike. Encrypted and deleted
                messages are not found. To continue, give --after the number that the
                command printed. FLOW is the row of the flow: the message of flow 7
                with the number 12 is shown by 'manage message show 7:12'.

                Examples:
                  manage message search lunch
                  manage message search lunch friday --limit 20
                  manage message search lunch --json
                """
        )

        @Argument(help: "The words.")
        var words: [String]

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let words = words.joined(separator: " ")
            try await list.write(
                "messages", headings: ["FLOW"] + MessageReport.headings, output: output, runner: runner,
                cells: { ["\($0.flowRow)"] + $0.cells }, operation: { SearchMessages(words: words, range: $0) })
        }
    }
}

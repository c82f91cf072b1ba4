// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message search`: messages by their words.
    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "search",
            abstract: "Find the messages that contain every one of some words, newest first.",
            discussion: """
                Whole words are found, in upper and lower case alike. Encrypted and deleted
                messages are not found. To go on, give --after the number that the command
                printed.

                Examples:
                  manage message search lunch
                  manage message search lunch friday --limit 20
                  manage message search lunch --json
                """
        )

        @Argument(help: "The words.")
        var words: [String]

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let runner = OperationRunner(settings: try settings.load(output: output))
            let words = words.joined(separator: " ")
            try await list.write(
                "messages", headings: ["FLOW"] + MessageReport.headings, output: output, runner: runner,
                cells: { [$0.flow] + $0.cells }, operation: { SearchMessages(words: words, range: $0) })
        }
    }
}

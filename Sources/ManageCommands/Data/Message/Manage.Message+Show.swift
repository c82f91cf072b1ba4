// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message show`: one message.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a message.",
            discussion: """
                Examples:
                  manage message show 215904230163340943519829158143061442342
                  manage message show 215904230163340943519829158143061442342 --json
                """
        )

        @Argument(help: "The message's uuid, digits only.")
        var uuid: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            try output.write(try await OperationRunner(settings: loaded).run(ShowMessage(uuid: uuid)))
        }
    }
}

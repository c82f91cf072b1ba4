// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message delete`: overwrites what a message said.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete what a message says for good.",
            discussion: """
                The message keeps its place and reads 'Message deleted'; its files and its
                earlier forms are gone. Connected clients are told at once.

                Examples:
                  manage message delete 215904230163340943519829158143061442342
                  manage message delete 215904230163340943519829158143061442342 --yes
                """
        )

        @Argument(help: "The message's uuid, digits only.")
        var uuid: String

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let loaded = try settings.load(output: output)
            try confirmation.require("Delete what the message \(uuid) says?")
            let message = try await OperationRunner(settings: loaded).run(DeleteMessage(uuid: uuid))
            try output.write(DeletedMessageReport(message: message))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message delete`: overwrites what a message said.
    struct Delete: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete what a message says for good.",
            discussion: """
                The message keeps its place and reads 'Message deleted'; its files and its
                earlier forms are gone. Connected clients are told at once.

                Examples:
                  manage message delete Team:17
                  manage message delete 215904230163340943519829158143061442342 --yes
                """
        )

        @Argument(
            help: ArgumentHelp("The message: its uuid, or its flow and number, such as Team:17.", valueName: "message"))
        var uuid: String

        @OptionGroup(title: "Confirmation Options") var confirmation: DeletionOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            // A message that does not exist is reported before the question.
            let meant = try await runner.run(ShowMessage(uuid: uuid))
            try confirmation.require("Delete what the message \(uuid) of '\(meant.author)' says?", of: uuid, meant.uuid)
            let message = try await runner.run(DeleteMessage(uuid: meant.uuid))
            try output.write(DeletedMessageReport(message: message))
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message show`: one message.
    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a message.",
            discussion: """
                Examples:
                  manage message show Team:17
                  manage message show 215904230163340943519829158143061442342 --json
                """
        )

        @Argument(
            help: ArgumentHelp("The message: its uuid, or its flow and number, such as Team:17.", valueName: "message"))
        var uuid: String

        @OptionGroup var common: OperationOptions

        func operation() -> ShowMessage { ShowMessage(uuid: uuid) }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `config`: the settings file.
    struct Config: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write, show, change, check and save the settings.",
            discussion: """
                Examples:
                  manage config init
                  manage config set SERVER.PORT 9000
                  manage config check
                """,
            subcommands: [
                Show.self, Get.self, Set.self, Unset.self, Check.self, Init.self, Save.self, List.self, Restore.self,
            ]
        )
    }
}

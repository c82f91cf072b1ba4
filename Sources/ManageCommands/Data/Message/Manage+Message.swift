// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `message`: what was written.
    struct Message: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List, show, search, delete and expire messages.",
            discussion: """
                Works on a running server, at once, and without one.

                Examples:
                  manage message list 277341582342374813 --since 1d
                  manage message search lunch friday
                  manage message delete 215904230163340943519829158143061442342
                  manage message expire --group 90d --dry-run
                """,
            subcommands: [List.self, Show.self, Search.self, Delete.self, Expire.self]
        )
    }
}

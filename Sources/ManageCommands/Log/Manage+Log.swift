// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `log`: the messages of the running server itself.
    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at the running server's own log, and change its level.",
            discussion: """
                These are the messages of the program, such as errors; 'manage tail' follows
                what people do.

                Examples:
                  manage log tail --last 100
                  manage log level
                  manage log level Transport debug
                """,
            subcommands: [Tail.self, Level.self]
        )
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `testclient`: talks to a running server as a client does.
    struct TestClient: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "testclient",
            abstract: "Talk to a running server as a client does.",
            discussion: """
                'testclient send' without options is the health check.

                Examples:
                  manage testclient send
                  manage testclient ping -a wss://chat.example.org/ws --login alice
                  manage testclient session
                  manage testclient load --rate 100 --duration 10
                """,
            subcommands: [Send.self, Ping.self, Session.self, Chat.self, Load.self]
        )
    }
}

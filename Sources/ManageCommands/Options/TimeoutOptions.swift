// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `--timeout`: how long a command waits for a server.
struct TimeoutOptions: ParsableArguments {
    @Option(
        name: .customLong("timeout"),
        help: ArgumentHelp("How long to wait for the connection and for each answer.", valueName: "seconds"))
    var seconds = 10

    func validate() throws {
        guard 1...3600 ~= seconds else { throw ValidationError("Please give --timeout 1 to 3600 seconds.") }
    }

    var duration: Duration { .seconds(seconds) }
}

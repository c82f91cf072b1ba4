// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestClient
import Testing

extension RunningServer {
    /// A connection of skaro that is not logged in.
    func skaro() async throws -> SkaroClient {
        try await SkaroClient.connect(url: try #require(await address(of: "skaro")))
    }

    /// A connection of messenger that is not logged in.
    func messenger() async throws -> MessengerClient {
        try await MessengerClient.connect(host: "127.0.0.1", port: try await port(of: "messenger"))
    }

    /// The port that the server announced for a protocol with a TCP port of its own.
    func port(of name: String) async throws -> Int {
        let address = try #require(await address(of: name))
        return try #require(address.split(separator: ":").last.flatMap { Int($0) })
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestClient
import Testing
import Transport

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

extension Program {
    /// What a balancer would give to clients of this program's server, which has FastChat on `port`.
    func fastChatSign(port: Int) async throws -> String {
        let request = #"{"operation":"fastchat.sign","parameters":{"host":"127.0.0.1","port":\#(port)}}"#
        return try await AdminSocketClient.connect(path: path("run/admin.sock")) { client in
            var replies = client.replies.makeAsyncIterator()
            try await client.send(Array(request.utf8))
            let reply = try JSONValue.parse(try #require(try await replies.next()))
            return try #require(reply["result"]?["sign"]?.string)
        }
    }
}

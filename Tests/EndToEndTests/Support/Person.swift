// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import TestClient
import Testing

/// Somebody with an account and a connection.
struct Person: Sendable {
    let client: MTPClient
    let credentials: MTPCredentials

    /// Registers an account.
    init(_ login: String, on server: RunningServer, password: String = "a password") async throws {
        client = try await MTPClient.connect(url: server.url)
        credentials = try await client.register(login: login, password: password)
    }

    /// Comes back with the login from before.
    init(_ credentials: MTPCredentials, on server: RunningServer) async throws {
        client = try await MTPClient.connect(url: server.url)
        self.credentials = credentials
    }

    /// Makes a public group and gives its uuid.
    func makeFlow() async throws -> String {
        let answer = try await client.request(.addFlow(as: credentials, type: "group", title: "A group"))
        try #require(answer.code == 200)
        return try #require(answer.data?.flow?.first?.uuid?.description)
    }

    /// Sends a message and gives the code of the answer.
    func say(_ text: String, in flow: String) async throws -> Int {
        let message = MessageObject(clientID: 1, text: JSONText(text))
        return try await client.request(.sendMessage(as: credentials, flow: flow, message)).code
    }

    func ping() async throws -> Int {
        try await client.request(.pingPong(as: credentials)).code
    }

    /// The server did not answer with what was asked for.
    struct Refusal: Error {
        var code: Int
    }

    /// The messages of a flow from a number on, read in pages of `pageSize`, which the server must allow.
    func messages(of flow: String, from first: Int = 0, pageSize: Int = 100) async throws -> [MessageObject] {
        var messages: [MessageObject] = []
        while true {
            let start = Int64(first + messages.count)
            let answer = try await client.request(
                .allMessages(as: credentials, flow: flow, start: start, end: start + Int64(pageSize)))
            guard answer.isSuccess else { throw Refusal(code: answer.code) }
            let page = answer.data?.message ?? []
            messages += page
            if page.count < pageSize { return messages }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import TestClient
import Testing

@testable import MTP

/// Pages that are read and encoded have a bound for all connections together.
@Suite(.timeLimit(.minutes(10))) struct MTPPageTests {
    @Test func aPageWaitsForItsTurnUnlessItsConnectionIsGone() async throws {
        try await MTPServer.with { server in
            let pages = server.test.chat.pages
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            try await alice.send("hello", to: flow)
            let other = bob.on(try await server.connect())

            try await withThrowingTaskGroup(of: [String].self) { group in
                try await pages.withoutPlaces {
                    group.addTask { try await bob.texts(in: flow) }
                    await pages.waits(for: 1)
                    async let gone = try? alice.client.request(
                        .allMessages(as: alice.credentials, flow: flow, start: 0, end: 1))
                    await pages.waits(for: 2)
                    // What reads no page is answered.
                    try await other.ask(.pingPong(as: other.credentials))

                    await alice.client.webSocket.abort()

                    await pages.waits(for: 1)
                    #expect(await gone == nil)
                }
                #expect(try await group.next() == ["hello"])
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import TestClient
import Testing

@testable import Skaro

/// Pages that are read and encoded have a bound for all connections together.
@Suite(.timeLimit(.minutes(10))) struct SkaroPageTests {
    private static let requests: [SkaroCall] = [
        .getHistory(dialog: "bob", before: nil, limit: 10), .getContacts, .searchContacts(query: "bob"),
    ]

    @Test(arguments: requests) func aPageWaitsForItsTurnUnlessItsConnectionIsGone(_ page: SkaroCall) async throws {
        try await SkaroServer.with { server in
            let pages = server.chat.pages
            _ = try await server.test.register("bob")
            let alice = try await server.join("alice")
            let client = try await server.logIn("alice").client
            let gone = try await server.logIn("alice").client
            _ = try await alice.ask(.sendMessage(to: "bob", body: "hello"))
            // Everything that came live was shown.
            await pages.waits(for: 0)

            try await withThrowingTaskGroup(of: SkaroAnswer.self) { group in
                try await pages.withoutPlaces {
                    group.addTask { try await client.request(page) }
                    await pages.waits(for: 1)
                    async let lost = try? gone.request(page)
                    await pages.waits(for: 2)
                    _ = try await alice.ask(.getUserData(login: "bob"))

                    await gone.webSocket.abort()

                    await pages.waits(for: 1)
                    #expect(await lost == nil)
                }
                #expect(try await group.next()?.isSuccess == true)
            }
        }
    }

    /// What was missed is read at a login.
    @Test func whatWasMissedWaitsForItsTurn() async throws {
        try await SkaroServer.with { server in
            let pages = server.chat.pages
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            _ = try await alice.ask(.sendMessage(to: "bob", body: "hello"))

            try await pages.withoutPlaces {
                let gone = try await server.logIn("bob")
                await pages.waits(for: 1)
                await gone.client.webSocket.abort()
                await pages.waits(for: 0)
            }

            #expect(try await server.logIn("bob").message().body == "hello")
        }
    }
}

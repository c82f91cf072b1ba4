// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import TestClient
import Testing

@testable import Messenger

/// Pages that are read and encoded have a bound for all connections together.
@Suite(.timeLimit(.minutes(10))) struct MessengerPageTests {
    /// What was missed is read at a login.
    @Test func whatWasMissedWaitsForItsTurnUnlessTheConnectionIsGone() async throws {
        try await MessengerWorld.with { world in
            let pages = world.chat.pages
            try await world.test.register("anna")
            let bob = try await world.enter("bob")
            try await bob.send("hello", to: "anna")
            await bob.client.close()
            await world.allLeft()

            try await pages.withoutPlaces {
                let gone = try await world.enter("anna")
                await pages.waits(for: 1)
                await gone.client.close()
                await pages.waits(for: 0)
            }

            let anna = try await world.enter("anna")
            #expect(await anna.messages(1) == ["bob: hello"])
        }
    }

    /// More than is prepared on an event loop.
    @Test func longMissedMessagesComeWholeAndInOrder() async throws {
        try await MessengerWorld.with { world in
            let author = try await world.test.register("anna").principal
            try await world.test.register("bob")
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            let texts = (0..<6).map { "\($0)" + String(repeating: "\u{436}", count: 30_000) }
            for text in texts { try await world.test.send(text, to: flow, by: author) }

            let bob = try await world.enter("bob")

            let text = texts.joined()
            #expect(await bob.text(bytes: text.utf8.count) == text)
            try await world.test.send("end", to: flow, by: author)
            #expect(await bob.messages(1) == ["anna: end"])
        }
    }

    @Test func aListOfContactsWaitsForItsTurn() async throws {
        try await MessengerWorld.with { world in
            let pages = world.chat.pages
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            _ = try await anna.client.add("bob")

            try await withThrowingTaskGroup(of: Int.self) { group in
                try await pages.withoutPlaces {
                    group.addTask { try await anna.client.contacts().count }
                    await pages.waits(for: 1)
                }
                #expect(try await group.next() == 1)
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Storage
import TestClient
import Testing

@testable import FastChat

/// What takes long waits for one of the few places for it, and holds up no event loop.
@Suite(.timeLimit(.minutes(10))) struct FastChatLongWorkTests {
    @Test func whatWasMissedIsEncryptedWhenThereIsAPlace() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            await (try await world.register(7)).client.close()
            try await world.test.send("missed", to: world.direct(anna, with: 7).uuid, by: anna)
            let eight = try await world.register(8)
            let pages = world.chat.pages

            var seven: Member?
            try await pages.withoutPlaces {
                seven = try await world.logIn(7)
                await pages.waits(for: 1)
                // What is short is done meanwhile.
                #expect(try await eight.client.key(of: 7) != nil)
                #expect(pages.waitingPages == 1)
            }

            #expect(await seven?.messages(1) == ["\(number): missed"])
        }
    }

    @Test func aPictureIsEncryptedWhenThereIsAPlace() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let flow = try await world.direct(anna, with: 7)
            let pages = world.chat.pages
            // More than is encrypted on an event loop, and no picture: it is shown as a word.
            let picture = JSONText(String(repeating: "p", count: 100_000))

            try await pages.withoutPlaces {
                let content = MessageContent(text: "see", files: [.picture: picture])
                try await world.test.send(content, to: flow.uuid, by: anna)
                await pages.waits(for: 1)
                #expect(try await eight.client.key(of: 7) != nil)
            }

            #expect(try #require(await seven.messages(1).first).hasPrefix("\(number): see"))
        }
    }

    @Test func aMessageForAHeldKeyIsOpenedWhenThereIsAPlace() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let flow = try await world.direct(anna, with: 7)
            // The key is open, so that the message alone waits.
            try await seven.client.send("first", to: FastChatUserNumber(number))
            #expect(try await world.texts(1, in: flow, for: anna) == ["first"])
            let longWork = world.chat.longWork

            try await longWork.withoutPlaces {
                try await seven.client.send("second", to: FastChatUserNumber(number))
                await longWork.waits(for: 1)
                #expect(try await eight.client.key(of: 7) != nil)
            }

            #expect(try await world.texts(2, in: flow, for: anna) == ["first", "second"])
        }
    }
}

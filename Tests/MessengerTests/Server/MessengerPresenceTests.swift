// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Storage
import TestClient
import Testing

@testable import Messenger

/// Who is told that somebody came or went.
@Suite(.timeLimit(.minutes(10))) struct MessengerPresenceTests {
    @Test func contactsAreToldOfComingAndGoing() async throws {
        try await MessengerWorld.with { world in
            let principal = try await world.test.register("anna").principal
            try await world.test.register("bob")
            _ = try await world.chat.addContact(login: "bob", of: principal)
            let anna = try await world.enter("anna")

            let bob = try await world.enter("bob")
            #expect(await anna.push() == .presence("bob", isOnline: true))
            try await bob.client.logOut()
            #expect(await anna.push() == .presence("bob", isOnline: false))
            try await bob.client.logIn("bob", password: ChatUnderTest.password)
            #expect(await anna.push() == .presence("bob", isOnline: true))
            await bob.client.close()
            #expect(await anna.push() == .presence("bob", isOnline: false))
        }
    }

    @Test func whoIsAddedIsWatchedFromThenOn() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            try await anna.client.add("bob")

            _ = try await world.enter("bob")

            #expect(await anna.push() == .presence("bob", isOnline: true))
        }
    }

    @Test func onlyTheFirstAndLastDeviceIsTold() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            try await anna.client.add("bob")
            let first = try await world.enter("bob")
            #expect(await anna.push() == .presence("bob", isOnline: true))

            let second = try await world.enter("bob")
            try await first.client.logOut()
            try await second.send("still here", to: "anna")
            #expect(await anna.push() == .message(from: "bob", text: "still here"))
            try await second.client.logOut()

            #expect(await anna.push() == .presence("bob", isOnline: false))
        }
    }

    @Test func whoHasNotAddedSomebodyIsToldNothing() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("carl")
            let anna = try await world.enter("anna")
            let dora = try await world.enter("dora")
            try await dora.client.add("carl")

            let carl = try await world.enter("carl")
            #expect(await dora.push() == .presence("carl", isOnline: true))
            try await carl.send("Hi", to: "anna")

            #expect(await anna.push() == .message(from: "carl", text: "Hi"))
        }
    }
}

struct MessengerPresenceRuleTests {
    @Test func slowReaderIsToldTheLastState() {
        var presence = MessengerPresence()
        presence.note(UserID(1), login: "anna", isOnline: true)
        presence.note(UserID(2), login: "bob", isOnline: true)
        presence.note(UserID(3), login: "#1", isOnline: true)
        presence.note(UserID(1), login: "anna", isOnline: false)
        presence.note(UserID(1), login: "anna", isOnline: true)
        presence.note(UserID(2), login: "bob", isOnline: false)

        let told = [presence.next(), presence.next(), presence.next()]

        #expect(
            told == [
                .presence(MessengerLogin("anna"), isOnline: true), .presence(MessengerLogin("bob"), isOnline: false),
                nil,
            ])
    }

    @Test func whoIsWhatTheyWereIsNotTold() {
        var presence = MessengerPresence()
        presence.note(UserID(1), login: "anna", isOnline: true)
        _ = presence.next()

        presence.note(UserID(1), login: "anna", isOnline: true)
        let same = presence.next()
        presence.note(UserID(1), login: "anna", isOnline: false)
        let other = presence.next()

        #expect(same == nil)
        #expect(other == .presence(MessengerLogin("anna"), isOnline: false))
    }
}

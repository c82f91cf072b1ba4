// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Storage
import Testing

@testable import Chat
@testable import Skaro

/// What a session is shown, and how much of it has arrived.
struct SkaroFeedTests {
    private static let principal = Principal(
        user: UserID(1), uuid: Identifier(1), session: SessionID(1), expires: Timestamp(seconds: .max))

    @Test func arrivalIsWhatWasAcknowledgedWhole() {
        var feed = SkaroFeed(principal: Self.principal)
        func acknowledged(_ bytes: UInt64) -> Position? { feed.acknowledged(bytes) }
        let first = feed.wrote(Position(10), upTo: 100)
        let second = feed.wrote(Position(20), upTo: 200)

        #expect(first == nil && second == nil)
        #expect(acknowledged(99) == nil)
        #expect(feed.isWaiting)
        #expect(acknowledged(199) == Position(10))
        #expect(acknowledged(199) == nil)
        #expect(feed.isWaiting)
        #expect(acknowledged(200) == Position(20))
        #expect(!feed.isWaiting)
        // What needed no bytes is there with those before.
        let third = feed.wrote(Position(30), upTo: 200)
        #expect(third == Position(30))
        #expect(!feed.isWaiting)
    }

    @Test func placesAreBoundedAndNothingIsAcknowledgedTooEarly() {
        var feed = SkaroFeed(principal: Self.principal)
        func acknowledged(_ bytes: UInt64) -> Position? { feed.acknowledged(bytes) }
        for number in 1...5000 { _ = feed.wrote(Position(Int64(number)), upTo: UInt64(number * 10)) }

        #expect(acknowledged(10) == Position(1))
        // The last place moved on: what lies between is acknowledged with it.
        #expect(acknowledged(49_999) == Position(1023))
        #expect(acknowledged(50_000) == Position(5000))
    }

    @Test func aPageThatArrivedInPartDoesNotComeAgainAsAWhole() {
        var feed = SkaroFeed(principal: Self.principal)

        _ = feed.wrote(Position(3), upTo: 100)
        _ = feed.wrote(Position(5), upTo: 200)
        _ = feed.wrote(Position(9), upTo: 200)
        let afterTheFirst = feed.acknowledged(150)
        let afterAll = feed.acknowledged(200)

        #expect(afterTheFirst == Position(3))
        #expect(afterAll == Position(9))
    }

    @Test func ownMessagesAreShownToOthersOnly() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let first = try await test.send("first", to: flow, by: alice)
            try await test.send("second", to: flow, by: alice)
            let page = try await test.chat.missed(for: alice, after: .start, limit: 10)
            var feed = SkaroFeed(principal: alice)
            feed.submits(first.uuid)
            feed.submits(Identifier(5))
            feed.withdrawn(Identifier(5))

            var shown: [Bool] = []
            for _ in 0..<2 {
                for entry in page.messages { shown.append(feed.shows(entry.message)) }
            }

            // Once it was passed by it is like any other.
            #expect(shown == [false, true, true, true])
        }
    }
}

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

    /// A feed that is up to date at a position.
    private static func feed(at position: Int64) -> SkaroFeed {
        var feed = SkaroFeed(principal: principal, after: Position(0))
        _ = feed.start()
        _ = feed.next()
        feed.arrived(at: Position(position), more: false)
        feed.stop()
        return feed
    }

    @Test func beginsWithARead() {
        var feed = SkaroFeed(principal: Self.principal, after: Position(7))
        func start() -> Bool { feed.start() }
        func next() -> Position? { feed.next() }

        #expect(start())
        #expect(!start())
        #expect(next() == Position(7))
        feed.arrived(at: Position(9), more: true)
        #expect(next() == Position(9))
        feed.arrived(at: Position(12), more: false)
        #expect(next() == nil)
        feed.stop()
        #expect(!start())
        feed.hinted()
        #expect(start())
        #expect(next() == Position(12))
    }

    @Test func arrivalIsWhatWasAcknowledgedWhole() {
        var feed = Self.feed(at: 10)
        func acknowledged(_ bytes: UInt64) -> Position? { feed.acknowledged(bytes) }
        feed.wrote(upTo: 100)
        feed.hinted()
        _ = feed.start()
        _ = feed.next()
        feed.arrived(at: Position(20), more: false)
        feed.stop()
        feed.wrote(upTo: 200)

        #expect(acknowledged(99) == nil)
        #expect(feed.isWaiting)
        #expect(acknowledged(199) == Position(10))
        #expect(acknowledged(199) == nil)
        #expect(feed.isWaiting)
        #expect(acknowledged(200) == Position(20))
        #expect(!feed.isWaiting)
    }

    @Test func placesAreBoundedAndNothingIsAcknowledgedTooEarly() {
        var feed = Self.feed(at: 0)
        func acknowledged(_ bytes: UInt64) -> Position? { feed.acknowledged(bytes) }
        for number in 1...5000 {
            feed.hinted()
            _ = feed.start()
            _ = feed.next()
            feed.arrived(at: Position(Int64(number)), more: false)
            feed.stop()
            feed.wrote(upTo: UInt64(number * 10))
        }

        #expect(acknowledged(10) == Position(1))
        // The last place moved on: what lies between is acknowledged with it.
        #expect(acknowledged(49_999) == Position(1023))
        #expect(acknowledged(50_000) == Position(5000))
    }

    @Test func aPageThatArrivedInPartDoesNotComeAgainAsAWhole() {
        var feed = Self.feed(at: 0)

        feed.wrote(Position(3), upTo: 100)
        feed.wrote(Position(5), upTo: 200)
        _ = feed.start()
        _ = feed.next()
        feed.arrived(at: Position(9), more: false)
        feed.stop()
        feed.wrote(upTo: 200)
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
            var feed = SkaroFeed(principal: alice, after: .start)
            feed.submitted(first.uuid)
            feed.submitted(Identifier(5))
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

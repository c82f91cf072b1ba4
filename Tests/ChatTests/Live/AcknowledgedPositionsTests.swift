// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Testing

@testable import Chat

/// How far a peer is in the log, by what its TCP has acknowledged.
struct AcknowledgedPositionsTests {
    private struct Mark: Equatable {
        var user: Int64
        var position: Int64
    }

    @Test func cursorMovesWithTheLastUnitOfAMessage() {
        var arrived = AcknowledgedPositions<Int64>()
        func acknowledged(_ units: UInt64) -> [Int64] { arrived.acknowledged(units) }
        // A message of three units, then one of one.
        _ = arrived.reached(5, at: 3)
        _ = arrived.reached(6, at: 4)

        #expect(acknowledged(2) == [])
        #expect(acknowledged(4) == [5, 6])
        #expect(acknowledged(5) == [])
        #expect(!arrived.isWaiting)
    }

    @Test func whatNeedsNoUnitIsReachedWithTheUnitsBefore() {
        var arrived = AcknowledgedPositions<Int64>()
        let atOnce = arrived.reached(4, at: 0)
        _ = arrived.reached(5, at: 1)
        let beforeTheUnit = arrived.reached(9, at: 1)
        let reached = arrived.acknowledged(1)
        let afterTheUnit = arrived.reached(10, at: 1)

        #expect(atOnce == 4 && beforeTheUnit == nil && afterTheUnit == 10)
        #expect(reached == [5, 9])
    }

    @Test func eachAccountKeepsItsOwn() {
        var arrived = AcknowledgedPositions<Mark>()
        _ = arrived.reached(Mark(user: 1, position: 5), at: 1)
        // Somebody else has logged in, who has missed nothing.
        _ = arrived.reached(Mark(user: 2, position: 8), at: 1)
        _ = arrived.reached(Mark(user: 2, position: 9), at: 3)

        let first = arrived.acknowledged(1)
        let rest = arrived.acknowledged(3)

        #expect(first == [Mark(user: 1, position: 5), Mark(user: 2, position: 8)])
        #expect(rest == [Mark(user: 2, position: 9)])
    }

    @Test func placesAreBoundedAndNothingIsReachedTooEarly() {
        var arrived = AcknowledgedPositions<Int64>(capacity: 4)
        for number in Int64(1)...10 { _ = arrived.reached(number, at: UInt64(number)) }

        let early = arrived.acknowledged(9)
        let all = arrived.acknowledged(10)

        #expect(early == [1, 2, 3])
        #expect(all == [10])
    }

    @Test func amountsNeverGoBack() {
        var arrived = AcknowledgedPositions<Int64>()
        _ = arrived.acknowledged(10)
        let again = arrived.acknowledged(3)

        let reached = arrived.reached(7, at: 8)

        #expect(again.isEmpty)
        #expect(reached == 7)
    }
}

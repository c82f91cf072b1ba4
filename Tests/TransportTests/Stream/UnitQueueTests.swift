// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Transport

struct UnitQueueTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let first = ByteBuffer(string: "first")
    private let second = ByteBuffer(string: "second unit")

    @Test func nextUnitWaitsForTheAcknowledgementAndTheSpacing() {
        var queue = UnitQueue(spacing: .milliseconds(50))
        queue.append(self.first)
        queue.append(self.second)

        #expect(queue.next(now: self.start) == .write(self.first))
        #expect(queue.next(now: self.start) == .idle)
        #expect(queue.pollAt == nil)
        queue.taken(5, now: self.start)
        #expect(queue.pollAt == self.start + .milliseconds(1))
        #expect(queue.looked(isAcknowledged: false, now: self.start + .seconds(1)) == 0)
        // The time alone is not enough.
        #expect(queue.next(now: self.start + .seconds(1)) == .idle)
        let acknowledged = self.start + .seconds(2)
        #expect(queue.looked(isAcknowledged: true, now: acknowledged) == 1)
        #expect(queue.pollAt == nil)
        // The acknowledgement alone is not enough either.
        #expect(queue.next(now: acknowledged) == .wait(until: acknowledged + .milliseconds(50)))
        #expect(queue.next(now: acknowledged + .milliseconds(50)) == .write(self.second))
    }

    @Test func unitsThatAreTakenBackDoNotLeave() {
        var queue = UnitQueue(spacing: .milliseconds(50))
        queue.append(self.first)
        queue.append(self.second)
        _ = queue.next(now: self.start)

        queue.dropWaiting()

        #expect(queue.bufferedBytes == 5 && !queue.isDrained)
        queue.taken(5, now: self.start)
        #expect(queue.looked(isAcknowledged: true, now: self.start) == 1)
        #expect(queue.next(now: self.start + .seconds(1)) == .idle)
        #expect(queue.bufferedBytes == 0 && queue.isDrained && queue.unacknowledgedUnits == 0)
    }

    @Test func spacingHoldsForAUnitThatComesLater() {
        var queue = UnitQueue(spacing: .milliseconds(50))
        queue.append(self.first)
        _ = queue.next(now: self.start)
        queue.taken(5, now: self.start)
        #expect(queue.looked(isAcknowledged: true, now: self.start) == 1)
        #expect(queue.isDrained)
        #expect(queue.next(now: self.start) == .idle)

        queue.append(self.second)

        #expect(queue.next(now: self.start + .milliseconds(49)) == .wait(until: self.start + .milliseconds(50)))
        #expect(queue.next(now: self.start + .milliseconds(51)) == .write(self.second))
    }

    @Test(arguments: [(50, [2, 4, 8, 16, 32, 50, 50]), (3, [2, 3, 3, 3, 3, 3, 3]), (0, [1, 1, 1, 1, 1, 1, 1])])
    func looksBackOffToTheSpacing(spacing: Int, delays: [Int]) {
        var queue = UnitQueue(spacing: .milliseconds(Int64(spacing)))
        queue.append(self.first)
        _ = queue.next(now: self.start)
        queue.taken(5, now: self.start)

        for delay in delays {
            #expect(queue.looked(isAcknowledged: false, now: self.start) == 0)
            #expect(queue.pollAt == self.start + .milliseconds(Int64(delay)))
        }
    }

    @Test func withoutSpacingAllLeaveAndAreAcknowledgedTogether() {
        var queue = UnitQueue(spacing: nil)
        queue.append(self.first)
        queue.append(self.second)
        #expect(queue.bufferedBytes == 16)

        #expect(queue.next(now: self.start) == .write(self.first))
        #expect(queue.next(now: self.start) == .write(self.second))
        #expect(queue.next(now: self.start) == .idle)
        #expect(queue.bufferedBytes == 16)
        #expect(queue.unacknowledgedUnits == 2)
        // As long as the socket has not taken everything, an empty send queue says nothing.
        #expect(queue.looked(isAcknowledged: true, now: self.start) == 0)
        queue.taken(5, now: self.start)
        #expect(queue.looked(isAcknowledged: true, now: self.start) == 0)
        #expect(!queue.isDrained)
        queue.taken(11, now: self.start)
        #expect(queue.isDrained)
        #expect(queue.bufferedBytes == 0)
        #expect(queue.looked(isAcknowledged: true, now: self.start) == 2)
        #expect(queue.unacknowledgedUnits == 0)
    }
}

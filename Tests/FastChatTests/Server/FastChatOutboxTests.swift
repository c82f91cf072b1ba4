// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Testing

@testable import FastChat

/// What waits for a client, and when its cursor moves.
struct FastChatOutboxTests {
    private func text(_ unit: [UInt8]?) -> String? {
        unit.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func oneUnitIsUnderWayAtATime() {
        var outbox = FastChatOutbox(maximumBytes: 100)
        outbox.append(Array("1".utf8))

        #expect(text(outbox.next()) == "[1]")
        outbox.append(Array("2".utf8))
        outbox.append(Array("3".utf8))
        #expect(outbox.next() == nil)
        #expect(outbox.acknowledged(1) == nil)
        #expect(text(outbox.next()) == "[2,3]")
    }

    @Test func repliesStandAloneAndInOrder() {
        var outbox = FastChatOutbox(maximumBytes: 100)
        outbox.append(Array("1".utf8))
        outbox.append(reply: Array("{}".utf8))
        outbox.append(Array("2".utf8))

        #expect(text(outbox.next(ending: true)) == "[1]")
        #expect(text(outbox.next(ending: true)) == "{}")
        #expect(text(outbox.next(ending: true)) == "[2]")
        #expect(outbox.next(ending: true) == nil)
        #expect(outbox.bufferedBytes == 0)
    }

    @Test func whatIsTakenBackDoesNotLeaveAndMovesNoCursor() {
        var outbox = FastChatOutbox(maximumBytes: 100)
        outbox.append(Array("1".utf8))
        #expect(outbox.reached(Position(1)) == nil)
        #expect(text(outbox.next()) == "[1]")
        outbox.append(Array("2".utf8))
        outbox.append(reply: Array("{}".utf8))
        outbox.append(Array("3".utf8))
        #expect(outbox.reached(Position(3)) == nil)

        outbox.dropWaiting()
        outbox.append(Array("0".utf8))

        #expect(text(outbox.next(ending: true)) == "[0]")
        #expect(outbox.next(ending: true) == nil)
        #expect(outbox.bufferedBytes == 0)
        #expect(outbox.acknowledged(2) == Position(1))
    }

    @Test func theCursorMovesWithWhatIsAcknowledged() {
        var outbox = FastChatOutbox(maximumBytes: 100)

        #expect(outbox.reached(Position(1)) == Position(1))
        outbox.append(Array("1".utf8))
        #expect(outbox.reached(Position(2)) == nil)
        #expect(outbox.reached(Position(3)) == nil)
        _ = outbox.next()
        #expect(outbox.reached(Position(4)) == nil)
        outbox.append(Array("2".utf8))
        #expect(outbox.reached(Position(5)) == nil)
        #expect(outbox.acknowledged(1) == Position(4))
        #expect(outbox.acknowledged(1) == nil)
        _ = outbox.next()
        #expect(outbox.acknowledged(1) == Position(5))
        #expect(outbox.reached(Position(6)) == Position(6))
    }

    @Test func thereIsRoomUntilTheLimit() {
        var outbox = FastChatOutbox(maximumBytes: 4)
        outbox.append(Array("123".utf8))
        #expect(outbox.hasRoom)
        outbox.append(reply: Array("4".utf8))
        #expect(!outbox.hasRoom)
        _ = outbox.next()
        #expect(outbox.hasRoom)
    }
}

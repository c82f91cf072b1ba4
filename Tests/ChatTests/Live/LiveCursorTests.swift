// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Chat
@testable import Storage

/// The rule by which a connection shows what is live or reads the log.
struct LiveCursorTests {
    private static let sender = Person(
        UserRecord(
            id: UserID(1), uuid: Identifier(1), login: "alice", loginKey: "alice", username: "alice", passwordHash: "",
            isBot: false, isHidden: false, email: "", avatar: "", bio: "", created: Timestamp(seconds: 1),
            publicNumber: 1_000_000_001))

    private static func run(_ positions: ClosedRange<Int64>) -> LiveRun {
        let flow = FlowAccess(
            id: FlowID(1), uuid: Identifier(1), kind: .group, owner: UserID(1), isPublic: true, title: "",
            isBridged: false, members: [])
        return LiveRun(
            flow: flow,
            messages: positions.map {
                LiveMessage(
                    position: Position($0), number: $0, uuid: Identifier(UInt128($0)), time: Timestamp(seconds: 1),
                    sender: sender, content: MessageContent(text: "\($0)"))
            })
    }

    /// A connection's cursor; `#expect` takes no value that changes by being asked.
    private final class Cursor {
        private var cursor: LiveCursor

        init(after position: Position) {
            cursor = LiveCursor(after: position)
        }

        var position: Position { cursor.position }
        func takes(_ run: LiveRun, isReady: Bool) -> Bool { cursor.takes(run.span, isReady: isReady) }
        func hinted() { cursor.hinted() }
        func start() -> Bool { cursor.start() }
        func next() -> Position? { cursor.next() }
        func arrived(at position: Position, more: Bool) { cursor.arrived(at: position, more: more) }
        func stop() { cursor.stop() }
    }

    /// A cursor that has read everything up to a position.
    private static func upToDate(at position: Int64) -> Cursor {
        let cursor = Cursor(after: Position(position))
        #expect(cursor.start())
        #expect(cursor.next() == Position(position))
        cursor.arrived(at: Position(position), more: false)
        #expect(cursor.next() == nil)
        cursor.stop()
        return cursor
    }

    @Test func theFirstThingIsARead() {
        let cursor = Cursor(after: Position(5))

        #expect(!cursor.takes(Self.run(6...6), isReady: true))
        #expect(cursor.start())
        #expect(!cursor.start(), "one reads already")
        #expect(cursor.next() == Position(5))
        cursor.arrived(at: Position(6), more: false)
        #expect(cursor.next() == nil)
        cursor.stop()

        #expect(cursor.position == Position(6))
        #expect(!cursor.start(), "nothing is new")
    }

    @Test func whoIsUpToDateTakesWhatComesOnce() {
        let cursor = Self.upToDate(at: 5)

        #expect(cursor.takes(Self.run(6...8), isReady: true))
        #expect(cursor.position == Position(8))
        #expect(!cursor.takes(Self.run(6...8), isReady: true))
        #expect(!cursor.takes(Self.run(8...8), isReady: true))
        #expect(!cursor.start(), "it was shown already")
        #expect(cursor.takes(Self.run(12...12), isReady: true))
        #expect(cursor.position == Position(12))
    }

    @Test func whoCannotTakeItReadsItLater() {
        let cursor = Self.upToDate(at: 5)

        #expect(!cursor.takes(Self.run(6...6), isReady: false))
        // What comes next must not be shown before what was left out.
        #expect(!cursor.takes(Self.run(7...7), isReady: true))
        #expect(cursor.start())
        #expect(cursor.next() == Position(5))
        cursor.arrived(at: Position(7), more: false)
        cursor.stop()
        #expect(cursor.takes(Self.run(8...8), isReady: true))
    }

    @Test func whatComesDuringAReadIsReadOnceMore() {
        let cursor = Cursor(after: Position(5))
        #expect(cursor.start())
        #expect(cursor.next() == Position(5))

        #expect(!cursor.takes(Self.run(7...7), isReady: true))
        cursor.arrived(at: Position(6), more: false)

        #expect(cursor.next() == Position(6))
        cursor.arrived(at: Position(7), more: false)
        #expect(cursor.next() == nil)
        cursor.stop()
        #expect(!cursor.start())
    }

    @Test func aHintDuringAReadOrAfterItIsNotLost() {
        let cursor = Cursor(after: .start)
        #expect(cursor.start())
        #expect(cursor.next() == .start)
        cursor.hinted()
        #expect(cursor.next() == .start)
        #expect(cursor.next() == nil)
        // Between the last look and the end of the reading.
        cursor.hinted()
        cursor.stop()
        #expect(cursor.start())
    }

    @Test func aPageThatIsCutIsFollowedByTheNext() {
        let cursor = Cursor(after: .start)
        #expect(cursor.start())
        #expect(cursor.next() == .start)
        cursor.arrived(at: Position(100), more: true)

        #expect(cursor.next() == Position(100))
        cursor.arrived(at: Position(120), more: false)
        #expect(cursor.next() == nil)
    }

    @Test func aReadThatShowsOldThingsDoesNotGoBack() {
        let cursor = Self.upToDate(at: 9)

        cursor.arrived(at: Position(7), more: false)

        #expect(cursor.position == Position(9))
    }

    /// Runs of another server's messages may hold several of its batches: a read ends between any two.
    @Test func ofARunThatIsHalfShownOnlyTheRestIsRead() {
        let cursor = Self.upToDate(at: 6)

        #expect(!cursor.takes(Self.run(5...8), isReady: true))

        #expect(cursor.position == Position(6))
        #expect(cursor.start())
        #expect(cursor.next() == Position(6))
    }
}

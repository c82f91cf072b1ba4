// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Dispatch
import Storage
import TestSupport
import Testing

@testable import Chat

/// A connection reads the log until it is up to date, then takes what is live, and reads again when it fell behind.
@Suite(.timeLimit(.minutes(10))) struct LiveReaderTests {
    /// Runs one job after the other, as an event loop does.
    private final class Loop: TaskExecutor {
        private let queue = DispatchQueue(label: "loop")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }

        func run<Value>(_ body: () -> Value) -> Value { queue.sync(execute: body) }
    }

    /// A connection that shows the positions of a log, two in a page; its members are for the loop only.
    private final class Peer: LogPresenter, @unchecked Sendable {
        let loop = Loop()
        let pages = PageGate(places: 1)
        private(set) lazy var reader = LiveReader(for: self, pages: pages, executor: loop)
        private var log: [Int64]
        private(set) var shown: [Int64] = []
        /// After which positions was read.
        private(set) var reads: [Int64] = []
        var keepsUp = true
        var failures = 0
        /// Stops a read between the store and the peer.
        var gate: Gate?

        init(log: ClosedRange<Int64>) {
            self.log = Array(log)
        }

        var mayRead: Bool { keepsUp }

        func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
            reads.append(position.rawValue)
            if failures > 0 {
                failures -= 1
                throw .storageUnavailable
            }
            let (beginning, following) = (reader.position, log.filter { $0 > position.rawValue })
            let page = following.prefix(2)
            if let gate {
                self.gate = nil
                await gate.pass()
            }
            guard reader.position == beginning else { return nil }
            shown += page
            return (page.last.map { Position($0) } ?? position, following.count > page.count)
        }

        func begin(after position: Int64 = 0) {
            loop.run {
                reader.begin(after: Position(position))
                reader.readIfDue()
            }
        }

        /// Writes into the log what the connection is told of at once.
        func write(_ position: Int64) {
            loop.run {
                log.append(position)
                if reader.takes(Position(position)...Position(position), isReady: keepsUp) {
                    shown.append(position)
                } else {
                    reader.readIfDue()
                }
            }
        }

        func set(keepsUp: Bool) {
            loop.run {
                self.keepsUp = keepsUp
                reader.readIfDue()
            }
        }

        /// Waits until these were shown, once and in this order.
        func shows(_ positions: ClosedRange<Int64>) async -> Bool {
            await becomesTrue { loop.run { shown.count >= positions.count } } && loop.run { shown == Array(positions) }
        }
    }

    @Test func theLogComesFirstAndThenWhatIsLive() async {
        let peer = Peer(log: 1...5)

        peer.begin()

        #expect(await peer.shows(1...5))
        #expect(await becomesTrue { peer.loop.run { peer.reader.position == Position(5) } })
        #expect(peer.loop.run { peer.reads } == [0, 2, 4])
        peer.write(6)
        #expect(await peer.shows(1...6))
        // Live, without a read.
        #expect(peer.loop.run { peer.reads.count } == 3)
    }

    @Test func whatIsWrittenDuringAReadIsShownOnceAndAfterIt() async {
        let (peer, gate) = (Peer(log: 1...2), Gate())
        peer.loop.run { peer.gate = gate }
        peer.begin()
        await gate.arrival()

        peer.write(3)
        peer.write(4)
        #expect(peer.loop.run { peer.shown }.isEmpty)
        gate.open()

        #expect(await peer.shows(1...4))
    }

    @Test func aPeerThatFellBehindReadsTheLogBeforeItTakesWhatIsLive() async {
        let peer = Peer(log: 1...1)
        peer.begin()
        #expect(await peer.shows(1...1))

        peer.set(keepsUp: false)
        for position in Int64(2)...6 { peer.write(position) }
        #expect(peer.loop.run { peer.shown } == [1])
        peer.set(keepsUp: true)
        peer.write(7)

        #expect(await peer.shows(1...7))
    }

    /// The read found nothing, and something came between it and the end of its task.
    @Test func aHintDuringAReadIsFollowedByAnother() async {
        let (peer, gate) = (Peer(log: 1...1), Gate())
        peer.begin(after: 1)
        #expect(await becomesTrue { peer.loop.run { peer.reads == [1] } })
        peer.loop.run { peer.gate = gate }

        peer.loop.run { peer.reader.hinted() }
        await gate.arrival()
        peer.loop.run { peer.reader.hinted() }
        gate.open()

        #expect(await becomesTrue { peer.loop.run { peer.reads == [1, 1, 1] } })
    }

    @Test func aReadOfBeforeDoesNotMoveANewBeginning() async {
        let (peer, gate) = (Peer(log: 1...12), Gate())
        peer.loop.run { peer.gate = gate }
        peer.begin()
        await gate.arrival()

        peer.loop.run { peer.reader.end() }
        #expect(peer.loop.run { peer.reader.position } == nil)
        peer.begin(after: 10)
        // What the first read holds is open to both: only one page is read at a time.
        gate.open()

        #expect(await becomesTrue { peer.loop.run { peer.reader.position == Position(12) } })
        #expect(peer.loop.run { peer.shown } == [11, 12])
        #expect(peer.loop.run { peer.reads } == [0, 10])
    }

    @Test func whoLeavesWhileItWaitsForAPlaceIsNotRead() async throws {
        let peer = Peer(log: 1...2)
        try await peer.pages.withoutPlaces {
            peer.begin()
            await peer.pages.waits(for: 1)

            peer.loop.run { peer.reader.end() }

            await peer.pages.waits(for: 0)
        }

        #expect(peer.loop.run { peer.reads }.isEmpty)
        #expect(peer.loop.run { peer.reader.takes(Position(3)...Position(3), isReady: true) } == false)
    }

    @Test func aReadThatFailedIsRepeatedBeforeAnythingNewIsTaken() async {
        let peer = Peer(log: 1...3)
        peer.loop.run { peer.failures = 1 }
        peer.begin()
        #expect(await becomesTrue { peer.loop.run { peer.reads.count == 1 } })

        peer.write(4)

        #expect(await peer.shows(1...4))
    }

    @Test func aReadThatFailedIsRepeatedByItself() async {
        let peer = Peer(log: 1...3)
        peer.loop.run { peer.failures = 2 }

        peer.begin()

        #expect(await peer.shows(1...3))
        #expect(peer.loop.run { peer.reads } == [0, 0, 0, 2])
    }

    /// A connection that ends holds neither its reads nor itself.
    @Test func anEndedReaderKeepsNothing() async {
        weak var left: Peer?
        do {
            let peer = Peer(log: 1...2)
            left = peer
            peer.begin()
            #expect(await peer.shows(1...2))
            peer.loop.run { peer.reader.end() }
        }

        #expect(await becomesTrue { left == nil })
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import NIOCore

/// What waits to be written on a connection, and the rule when it may be.
///
/// With spacing one unit is on its way at a time, and the next may leave when the peer's TCP has acknowledged it and
/// the spacing has passed since: a peer that takes one read for one unit finds them apart. It does no I/O and reads no
/// clock.
struct UnitQueue {
    enum Step: Equatable {
        case write(ByteBuffer)
        /// Ask again then.
        case wait(until: NIODeadline)
        /// Nothing to do until something happens.
        case idle
    }

    /// The first look for an acknowledgement comes this long after the socket has taken everything; each further one
    /// waits twice as long.
    static let firstPoll = TimeAmount.milliseconds(1)
    /// The longest time between two looks when there is no spacing.
    static let slowestPoll = TimeAmount.milliseconds(50)

    let spacing: TimeAmount?
    /// When to look next whether the peer has acknowledged what is on its way.
    private(set) var pollAt: NIODeadline?
    /// Units that were given to the socket and are not acknowledged.
    private(set) var unitsOnTheirWay = 0
    /// Bytes that the socket has not taken.
    private(set) var bufferedBytes = 0

    private var waiting = Deque<ByteBuffer>()
    /// Bytes that were written to the channel and that the socket has not taken.
    private var untakenBytes = 0
    private var pollDelay = Self.firstPoll
    private var nextWrite = NIODeadline.distantPast

    init(spacing: TimeAmount?) {
        self.spacing = spacing
    }

    /// Whether the socket has taken everything.
    var isDrained: Bool { self.waiting.isEmpty && self.untakenBytes == 0 }
    /// Units that wait or are on their way.
    var unacknowledgedUnits: Int { self.waiting.count + self.unitsOnTheirWay }

    mutating func append(_ unit: ByteBuffer) {
        self.waiting.append(unit)
        self.bufferedBytes += unit.readableBytes
    }

    /// What to do next; ask again after each write.
    mutating func next(now: NIODeadline) -> Step {
        guard !self.waiting.isEmpty else { return .idle }
        if self.spacing != nil {
            guard self.unitsOnTheirWay == 0 else { return .idle }
            guard now >= self.nextWrite else { return .wait(until: self.nextWrite) }
        }
        let unit = self.waiting.removeFirst()
        self.unitsOnTheirWay += 1
        self.untakenBytes += unit.readableBytes
        self.pollAt = nil
        return .write(unit)
    }

    /// The socket has taken `bytes` more of what was written.
    mutating func taken(_ bytes: Int, now: NIODeadline) {
        self.untakenBytes -= bytes
        self.bufferedBytes -= bytes
        guard self.untakenBytes == 0, self.unitsOnTheirWay > 0 else { return }
        self.pollDelay = Self.firstPoll
        self.pollAt = now + self.pollDelay
    }

    /// Notes whether the socket has nothing that is not acknowledged; returns how many units that makes known to have
    /// arrived.
    mutating func looked(isAcknowledged: Bool, now: NIODeadline) -> Int {
        guard self.untakenBytes == 0, self.unitsOnTheirWay > 0 else { return 0 }
        guard isAcknowledged else {
            self.pollDelay = min(self.pollDelay + self.pollDelay, max(Self.firstPoll, self.spacing ?? Self.slowestPoll))
            self.pollAt = now + self.pollDelay
            return 0
        }
        self.pollAt = nil
        if let spacing = self.spacing { self.nextWrite = now + spacing }
        defer { self.unitsOnTheirWay = 0 }
        return self.unitsOnTheirWay
    }

    /// Forgets the units that have not been given to the socket.
    mutating func dropWaiting() {
        self.bufferedBytes -= self.waiting.reduce(0) { $0 + $1.readableBytes }
        self.waiting.removeAll()
    }

    /// Forgets everything.
    mutating func removeAll() {
        self = Self(spacing: self.spacing)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import DequeModule
import Storage

/// What waits for one client, and how far in the log it brings the client.
///
/// A rule without I/O: one unit at a time is on its way, and an array is packed as late as can be.
struct FastChatOutbox {
    private struct Unit {
        var bytes: [UInt8]
        /// A client that has it has everything up to here.
        var reaches: Position?
    }

    /// From how many waiting bytes on there is no room.
    let maximumBytes: Int

    private var units = Deque<Unit>()
    private var unitBytes = 0
    private var arrays = FastChatArrays()
    /// For each object in `arrays`.
    private var objectReaches = Deque<Position?>()
    /// Units that were taken, and of these, units that were acknowledged.
    private var takenUnits: UInt64 = 0
    private var acknowledgedUnits: UInt64 = 0
    /// By the units that were taken.
    private var arrived = AcknowledgedPositions<Position>()

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Bytes that wait.
    var bufferedBytes: Int { unitBytes + arrays.bufferedBytes }

    /// Whether more may be added.
    var hasRoom: Bool { bufferedBytes < maximumBytes }

    /// Adds an object for an array.
    mutating func append(_ object: [UInt8]) {
        arrays.append(object)
        objectReaches.append(nil)
    }

    /// Adds a reply, which is a unit of its own.
    mutating func append(reply: [UInt8]) {
        while let unit = pack() {
            units.append(unit)
            unitBytes += unit.bytes.count
        }
        units.append(Unit(bytes: reply))
        unitBytes += reply.count
    }

    /// Notes that what was added is all up to a position of the log.
    ///
    /// - Returns: The position, if nothing waits or is under way: the client is there now.
    mutating func reached(_ position: Position) -> Position? {
        if !objectReaches.isEmpty {
            objectReaches[objectReaches.count - 1] = position
        } else if !units.isEmpty {
            units[units.count - 1].reaches = position
        } else {
            return arrived.reached(position, at: takenUnits)
        }
        return nil
    }

    /// Takes the next unit; `nil` while one is under way, unless the connection is to get all that is left.
    mutating func next(ending: Bool = false) -> [UInt8]? {
        guard takenUnits == acknowledgedUnits || ending else { return nil }
        let next: Unit?
        if let unit = units.popFirst() {
            unitBytes -= unit.bytes.count
            next = unit
        } else {
            next = pack()
        }
        guard let next else { return nil }
        takenUnits += 1
        if let position = next.reaches { _ = arrived.reached(position, at: takenUnits) }
        return next.bytes
    }

    /// The client's TCP has acknowledged the oldest units.
    ///
    /// - Returns: How far in the log the client is now, if these brought it further.
    mutating func acknowledged(_ count: Int) -> Position? {
        acknowledgedUnits = min(acknowledgedUnits + UInt64(count), takenUnits)
        return arrived.acknowledged(acknowledgedUnits).last
    }

    /// Takes back what is not under way: the client is not to get it any more.
    mutating func dropWaiting() {
        units.removeAll()
        unitBytes = 0
        arrays = FastChatArrays()
        objectReaches.removeAll()
    }

    private mutating func pack() -> Unit? {
        guard let array = arrays.next() else { return nil }
        defer { objectReaches.removeFirst(array.count) }
        return Unit(bytes: array.bytes, reaches: objectReaches.prefix(array.count).compactMap { $0 }.max())
    }
}

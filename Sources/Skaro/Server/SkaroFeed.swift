// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import DequeModule
import Storage

/// What a session is shown of the log: how far it is, what it wrote itself, and how much of it has arrived; a rule
/// without I/O.
struct SkaroFeed {
    /// How many places in the stream are remembered at most; beyond that the last one moves.
    private static let maximumPlaces = 1024

    let principal: Principal
    private var cursor: LiveCursor
    /// Messages that this connection submitted and that the cursor has not passed: they are not shown to it.
    private var own: Set<Identifier> = []
    /// Where in the connection's bytes which position was reached, in order.
    private var places = Deque<(position: Position, bytes: UInt64)>()

    /// Begins after a position.
    init(principal: Principal, after position: Position) {
        self.principal = principal
        cursor = LiveCursor(after: position)
    }

    /// Everything up to here was written, or is none of the session's business.
    var position: Position { cursor.position }

    /// Whether something was written of which it is not known that it arrived.
    var isWaiting: Bool { !places.isEmpty }

    // MARK: What to show

    mutating func submitted(_ message: Identifier) {
        own.insert(message)
    }

    /// Whether a message is to be shown: not what the connection wrote itself.
    mutating func shows(_ message: LiveMessage) -> Bool {
        own.isEmpty || own.remove(message.uuid) == nil
    }

    /// A message of its own that was refused after all.
    mutating func withdrawn(_ message: Identifier) {
        own.remove(message)
    }

    /// Whether to show a live run at once; see `LiveCursor.takes`.
    mutating func takes(_ run: LiveRun, isReady: Bool) -> Bool {
        cursor.takes(run, isReady: isReady)
    }

    mutating func hinted() {
        cursor.hinted()
    }

    /// Whether the caller is to read.
    mutating func start() -> Bool {
        cursor.start()
    }

    /// After which position to read, until there is nothing new.
    mutating func next() -> Position? {
        cursor.next()
    }

    /// A read has shown everything up to `position`; `more` follows.
    mutating func arrived(at position: Position, more: Bool) {
        cursor.arrived(at: position, more: more)
    }

    mutating func stop() {
        cursor.stop()
    }

    // MARK: What has arrived

    /// Notes that the present position was reached when the connection had written so many bytes.
    mutating func wrote(upTo bytes: UInt64) {
        wrote(position, upTo: bytes)
    }

    /// The same for a message inside a page: a page that arrives in part does not come again as a whole.
    mutating func wrote(_ position: Position, upTo bytes: UInt64) {
        if places.count >= Self.maximumPlaces { places.removeLast() }
        places.append((position, bytes))
    }

    /// How far the peer is that has acknowledged so many bytes; `nil` when no farther than before.
    mutating func acknowledged(_ bytes: UInt64) -> Position? {
        var reached: Position?
        while let first = places.first, first.bytes <= bytes {
            reached = first.position
            places.removeFirst()
        }
        return reached
    }
}

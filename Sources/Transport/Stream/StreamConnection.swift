// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The sending side of one TCP connection.
///
/// It can be kept anywhere, but apart from `id`, `eventLoop` and `remoteAddress` everything is for code on its event
/// loop. What is written is a unit: with ``StreamOptions/spacing`` the peer finds each in a read of its own. Units
/// collect until ``flush()``; after a close they are dropped.
package final class StreamConnection: PeerConnection, @unchecked Sendable {
    enum State {
        case open
        /// What waits is still written, then our direction is closed.
        case closing
        /// Our direction is closed, the peer's end is awaited.
        case ending
        case closed
    }

    private(set) var state = State.open
    weak var handler: StreamHandler?
    private var hasWritten = false
    private var isFlushPending = false

    /// Whether units can still be written.
    package override var isOpen: Bool {
        self.eventLoop.assertInEventLoop()
        return self.state == .open
    }

    /// Whether the peer keeps up.
    ///
    /// It turns false when ``StreamOptions/outboundBytes`` wait, and true again when less than half of that does; then
    /// the session is told.
    package override var isWritable: Bool {
        self.eventLoop.assertInEventLoop()
        return self.state == .open && self.handler?.isWritable == true
    }

    /// Outbound bytes that the socket has not taken yet.
    package var bufferedBytes: Int {
        self.eventLoop.assertInEventLoop()
        return self.handler?.queue.bufferedBytes ?? 0
    }

    /// Units that were written and of which the session has not been told that they are acknowledged.
    package var unacknowledgedUnits: Int {
        self.eventLoop.assertInEventLoop()
        return self.handler?.queue.unacknowledgedUnits ?? 0
    }

    /// Adds a unit; an empty one is nothing.
    ///
    /// It leaves after the next ``flush()``, or earlier after units that are being spaced.
    package func write(unit: ByteBuffer) {
        self.eventLoop.assertInEventLoop()
        guard self.state == .open, unit.readableBytes > 0 else { return }
        self.hasWritten = true
        self.handler?.frameLog?.sent(bytes: unit.readableBytes, by: self.id)
        self.handler?.append(unit)
    }

    /// Takes back the units that wait for the socket or for their spacing, before the connection is closed.
    package func dropWaiting() {
        self.eventLoop.assertInEventLoop()
        self.handler?.dropWaiting()
    }

    /// Sends what has been written, as soon as the loop has done what it has in flight now: once, however often it is
    /// asked.
    package override func flush() {
        self.eventLoop.assertInEventLoop()
        guard self.hasWritten, !self.isFlushPending, let handler = self.handler else { return }
        self.isFlushPending = true
        self.loop.flushSoon(handler)
    }

    /// Closes the connection when everything has been written: the socket has taken the units, spaced as they are to
    /// be.
    ///
    /// It is cut when the peer does not let that happen (``StreamOptions/closeTimeout``). What the peer sends is thrown
    /// away.
    package func close() {
        self.eventLoop.assertInEventLoop()
        guard self.state == .open else { return }
        self.state = .closing
        self.handler?.closingStarted()
    }

    /// Closes the connection at once; what waits is lost.
    package func abort() {
        self.eventLoop.assertInEventLoop()
        self.handler?.abort()
    }

    /// Notes whether the peer is logged in; while it is not, the time for a login runs.
    package func setLoggedIn(_ isLoggedIn: Bool) {
        self.eventLoop.assertInEventLoop()
        self.handler?.setLoggedIn(isLoggedIn)
    }

    override func readingResumed() {
        self.handler?.readingResumed()
    }

    /// Calls the session's `paused()`, once, when the peer has sent nothing for `time`, counted from now and anew from
    /// each read.
    ///
    /// For times below a second; another call takes the place of this one, `nil` takes it back. While reading is paused
    /// the time stands still.
    package func awaitPause(of time: TimeAmount?) {
        self.eventLoop.assertInEventLoop()
        self.handler?.awaitPause(of: time)
    }

    // MARK: For the handler

    func flushed() {
        self.hasWritten = false
        self.isFlushPending = false
    }

    func end() {
        if self.state != .closed { self.state = .ending }
    }

    func wasClosed() {
        self.state = .closed
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What a connection of any kind is to its session.
///
/// It can be kept anywhere, but apart from `id`, `eventLoop` and `remoteAddress` everything is for code on its event
/// loop.
public class PeerConnection: @unchecked Sendable {
    /// The name of the connection.
    package let id: ConnectionID
    /// The loop of the connection; on it the session is called.
    package let eventLoop: any EventLoop
    /// Where the peer comes from; `nil` when the system could not say.
    package let remoteAddress: SocketAddress?

    let loop: ConnectionLoop
    private(set) var isReadingPaused = false

    init(loop: ConnectionLoop, remoteAddress: SocketAddress?) {
        self.loop = loop
        self.id = loop.makeID()
        self.eventLoop = loop.eventLoop
        self.remoteAddress = remoteAddress
    }

    /// The executor that keeps a task on this connection's loop.
    package var taskExecutor: EventLoopTaskExecutor { self.loop.taskExecutor }

    /// Whether something can still be written.
    package var isOpen: Bool { false }
    /// Whether the peer keeps up: not too much waits to be sent.
    public var isWritable: Bool { false }
    /// Sends what has been written, as soon as the loop has done what it has in flight now: once, however often it is
    /// asked.
    public func flush() {}

    /// Hands over nothing more until ``resumeReading()``, not even what has arrived with the current read.
    public func pauseReading() {
        self.eventLoop.assertInEventLoop()
        self.isReadingPaused = true
    }

    /// Takes up reading again, first with what had arrived before.
    public func resumeReading() {
        self.eventLoop.assertInEventLoop()
        guard self.isReadingPaused else { return }
        self.isReadingPaused = false
        self.readingResumed()
    }

    func readingResumed() {}
}

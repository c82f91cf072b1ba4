// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The end of the pipeline of a TCP connection: bytes in, calls of a ``StreamSession`` out, and the writing of units.
final class StreamHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var queue: UnitQueue
    private(set) var isWritable = true
    private let settings: StreamChannel.Settings
    private let loop: ConnectionLoop
    private var context: ChannelHandlerContext?
    /// `nil` until the channel is active.
    private var connection: StreamConnection?
    private var session: (any StreamSession)?
    /// Bytes that came before reading was paused.
    private var heldInput: ByteBuffer?
    private var heldReservation = 0
    private var hasWithheldRead = false
    private var isInputEnded = false
    /// Set until the first bytes have come, and when the connection is closing.
    private var deadline: NIODeadline?
    private var lastReading = NIODeadline.distantPast
    private var pause: TimeAmount?
    private var pauseAt: NIODeadline?
    /// The earliest time at which the loop will wake this handler.
    private var wakesAt: NIODeadline?
    /// Where the connection comes from when a trusted proxy has said so at its beginning.
    private var proxiedPeer: SocketAddress?
    private var timeout: PeerTimeouts
    /// Bytes that the socket took, and units that were acknowledged: what shows that the peer reads.
    private var progress: UInt64 = 0

    init(settings: StreamChannel.Settings, loop: ConnectionLoop) {
        self.settings = settings
        self.loop = loop
        self.queue = UnitQueue(spacing: settings.options.spacing)
        self.timeout = PeerTimeouts(settings.registry, minimumBytes: 1, now: loop.eventLoop.now)
    }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.open(context: context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    func channelActive(context: ChannelHandlerContext) {
        self.open(context: context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    private func open(context: ChannelHandlerContext) {
        guard self.connection == nil else { return }
        let remoteAddress = self.proxiedPeer ?? context.channel.remoteAddress
        guard self.settings.admitConnection(of: context.channel, from: remoteAddress) else {
            context.close(promise: nil)
            return
        }
        let peer = StreamPeer(
            remoteAddress: remoteAddress, isSecure: self.settings.isSecure)
        let connection = StreamConnection(loop: self.loop, remoteAddress: peer.remoteAddress)
        let session = self.settings.makeSession(peer)
        connection.handler = self
        self.connection = connection
        self.session = session
        self.lastReading = self.loop.eventLoop.now
        self.deadline = self.settings.options.firstBytesTimeout.map { self.lastReading + $0 }
        self.loop.add(self)
        session.opened(connection)
        self.flushNow()
        self.settings.registry.closeIfShut(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection = self.connection, connection.state == .open else { return }
        self.deadline = nil
        if self.settings.options.idleTimeout != nil { self.lastReading = self.loop.eventLoop.now }
        var input = self.unwrapInboundIn(data)
        if connection.isReadingPaused || self.heldInput != nil {
            if var held = self.heldInput {
                held.writeBuffer(&input)
                input = held
            }
            self.hold(input)
        } else {
            self.restartPause()
            self.settings.registry.frameLog?.received(bytes: input.readableBytes, by: connection.id)
            self.session?.received(input)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.readWasComplete()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if let connection = self.connection, connection.isReadingPaused, connection.state == .open {
            self.hasWithheldRead = true
        } else {
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let proxied as ProxiedPeer:
            self.proxiedPeer = proxied.address
        case is ChannelShouldQuiesceEvent:
            self.loop.drain(self, within: self.settings.registry.drainSpread)
        case ChannelEvent.inputClosed:
            self.isInputEnded = true
            self.timeout.inputEnded(now: self.loop.eventLoop.now)
            self.lookForAcknowledgement()
            switch self.connection?.state {
            case .open: self.tellInputEnded()
            case .closing: break
            default: context.close(promise: nil)
            }
        default:
            // The end of TLS is told in this way, and right after it the channel is closed.
            self.lookForAcknowledgement()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset peer or broken TLS: no peer is left to tell.
        self.abort()
    }

    /// The log of what is sent, too.
    var frameLog: FrameLog? { self.settings.registry.frameLog }

    // MARK: Reading

    private func readWasComplete() {
        if self.connection?.state == .open { self.session?.receivedAll() }
        self.flushNow()
    }

    /// The session hears of the end after the bytes before it.
    private func tellInputEnded() {
        guard let connection = self.connection, connection.state == .open, self.isInputEnded, self.heldInput == nil
        else { return }
        self.session?.inputEnded(connection)
        self.flushNow()
    }

    private func hold(_ input: ByteBuffer) {
        let room = input.storageCapacity
        if room > self.heldReservation {
            guard self.settings.registry.inboundBudget.reserve(room - self.heldReservation) else {
                self.abort()
                return
            }
            self.heldReservation = room
        }
        self.heldInput = input
    }

    private func releaseHeld() {
        self.heldInput = nil
        self.settings.registry.inboundBudget.release(self.heldReservation)
        self.heldReservation = 0
    }

    func readingResumed() {
        guard let context = self.context, let connection = self.connection else { return }
        self.restartPause()
        if let input = self.heldInput {
            self.releaseHeld()
            if connection.state == .open {
                self.settings.registry.frameLog?.received(bytes: input.readableBytes, by: connection.id)
                self.session?.received(input)
            }
            self.readWasComplete()
            self.tellInputEnded()
        }
        if self.hasWithheldRead && (!connection.isReadingPaused || connection.state != .open) {
            self.hasWithheldRead = false
            context.read()
        }
    }

    // MARK: Writing

    func append(_ unit: ByteBuffer) {
        self.queue.append(unit)
        let limit = self.settings.options.outboundBytes
        if self.queue.bufferedBytes >= limit {
            self.isWritable = false
            // The session does not look; nothing is lost, since what was not acknowledged comes again.
            if self.queue.bufferedBytes - unit.readableBytes >= 2 * limit { self.abort() }
        }
    }

    func dropWaiting() {
        self.queue.dropWaiting()
    }

    func flushNow() {
        self.connection?.flushed()
        self.writeWhatMayLeave()
    }

    private func writeWhatMayLeave() {
        guard let context = self.context else { return }
        var bytes = 0
        var last: ByteBuffer?
        writing: while true {
            switch self.queue.next(now: self.loop.eventLoop.now) {
            case .write(let unit):
                if let last { context.write(self.wrapOutboundOut(last), promise: nil) }
                last = unit
                bytes += unit.readableBytes
            case .wait(let time):
                self.sleep(until: time)
                break writing
            case .idle:
                break writing
            }
        }
        guard let last else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolatedUnsafeUnchecked().whenSuccess { self.socketTook(bytes) }
        context.writeAndFlush(self.wrapOutboundOut(last), promise: promise)
    }

    private func socketTook(_ bytes: Int) {
        guard let connection = self.connection, connection.state != .closed else { return }
        self.queue.taken(bytes, now: self.loop.eventLoop.now)
        self.progress += UInt64(bytes)
        self.headwayWasMade()
        self.wakeForPoll()
        if !self.isWritable && self.queue.bufferedBytes < self.settings.options.outboundBytes / 2 {
            self.isWritable = true
            if connection.state == .open { self.session?.becameWritable() }
        }
        self.endIfDrained()
    }

    private func lookForAcknowledgement() {
        guard let context = self.context, self.queue.unitsOnTheirWay > 0 else { return }
        let isAcknowledged = context.channel.isActive && (context.channel.unacknowledgedBytes ?? 0) == 0
        let count = self.queue.looked(isAcknowledged: isAcknowledged, now: self.loop.eventLoop.now)
        guard count > 0 else { return }
        self.progress += UInt64(count)
        self.headwayWasMade()
        self.session?.unitsAcknowledged(count)
    }

    // MARK: Closing

    func setLoggedIn(_ isLoggedIn: Bool) {
        if isLoggedIn { self.timeout.loggedIn() } else { self.timeout.loggedOut(now: self.loop.eventLoop.now) }
    }

    func closingStarted() {
        self.releaseHeld()
        self.pauseAt = nil
        self.pause = nil
        self.deadline = self.loop.eventLoop.now + self.settings.options.closeTimeout
        self.flushNow()
        self.endIfDrained()
        self.readingResumed()
    }

    private func headwayWasMade() {
        switch self.connection?.state {
        case .closing, .ending: self.deadline = self.loop.eventLoop.now + self.settings.options.closeTimeout
        default: break
        }
    }

    /// Closes our direction when everything has left; what still comes is thrown away until the peer closes, too:
    /// closing with bytes unread would make the system send a reset, which can overtake the last units.
    private func endIfDrained() {
        guard let context = self.context, self.connection?.state == .closing, self.queue.isDrained else { return }
        self.connection?.end()
        context.close(mode: .output, promise: nil)
    }

    private func finish() {
        guard let connection = self.connection, connection.state != .closed else { return }
        self.queue.removeAll()
        self.releaseHeld()
        self.timeout.finish()
        connection.wasClosed()
        self.context = nil
        self.deadline = nil
        self.pauseAt = nil
        self.loop.remove(self)
        let session = self.session
        self.session = nil
        session?.closed()
    }
}

extension StreamHandler: LoopConnection {
    var id: ConnectionID { self.connection?.id ?? ConnectionID(rawValue: 0) }
    var currentSession: (any ConnectionSession)? { self.session }

    func drain() {
        if self.connection?.state == .open { self.session?.drain() }
    }

    func abort() {
        guard let context = self.context else { return }
        self.lookForAcknowledgement()
        context.close(promise: nil)
    }

    func checkTimeouts(now: NIODeadline) {
        guard let connection = self.connection else { return }
        let queue = self.queue
        if self.timeout.isExhausted(
            taken: self.progress, waiting: queue.bufferedBytes, isWaiting: queue.unacknowledgedUnits > 0, now: now)
        {
            return self.abort()
        }
        if self.settings.options.needsLogIn, connection.state == .open, self.timeout.isLogInOverdue(now: now) {
            return connection.close()
        }
        if let deadline = self.deadline {
            if now >= deadline { self.abort() }
        } else if connection.state == .open, !connection.isReadingPaused,
            let idleTimeout = self.settings.options.idleTimeout,
            now >= self.lastReading + idleTimeout
        {
            connection.close()
        }
    }
}

extension StreamHandler: Wakeable {
    func awaitPause(of time: TimeAmount?) {
        self.pause = time
        self.pauseAt = nil
        self.restartPause()
    }

    private func restartPause() {
        guard let pause = self.pause else { return }
        let time = self.loop.eventLoop.now + pause
        self.pauseAt = time
        self.sleep(until: time)
    }

    private func wakeForPoll() {
        if let time = self.queue.pollAt { self.sleep(until: time) }
    }

    private func sleep(until time: NIODeadline) {
        if let wakesAt = self.wakesAt, wakesAt <= time { return }
        self.wakesAt = self.loop.wakes.wake(self, at: time)
    }

    func wake(at deadline: NIODeadline) {
        if let wakesAt = self.wakesAt, wakesAt <= deadline { self.wakesAt = nil }
        guard let connection = self.connection, connection.state != .closed else { return }
        let now = max(self.loop.eventLoop.now, deadline)
        if let pollAt = self.queue.pollAt, now >= pollAt { self.lookForAcknowledgement() }
        if let pauseAt = self.pauseAt, now >= pauseAt, !connection.isReadingPaused {
            self.pauseAt = nil
            self.pause = nil
            self.session?.paused()
        }
        self.flushNow()
        self.wakeForPoll()
        if let pauseAt = self.pauseAt, !connection.isReadingPaused { self.sleep(until: pauseAt) }
    }
}

@available(*, unavailable)
extension StreamHandler: Sendable {}

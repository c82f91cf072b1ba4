// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The WebSocket end of a pipeline: bytes in, calls of a ``WebSocketSession`` out.
///
/// Ours, because NIOWebSocket ends at frames: pings, the close handshake, timeouts and peers that do not read are left
/// to its user. Its `NIOWebSocketFrameAggregator` has bounds that are fixed when it is made, where ours are wider after
/// a login and count against the budget of all connections; its encoder frames a message for each connection, where a
/// ``PreparedFrame`` goes to all. ``WebSocketDecoder`` says what its codec costs beside ours.
final class WebSocketHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let connection: WebSocketConnection
    private(set) var session: (any WebSocketSession)?
    private let registry: ConnectionRegistry
    private var decoder: WebSocketDecoder
    /// Bytes that came before reading was paused.
    private var heldInput: ByteBuffer?
    private var heldReservation = 0
    private var isDecoding = false
    private var hasWithheldRead = false
    /// When the close handshake or the unfinished message must be over.
    private var deadline: NIODeadline?
    private var lastReading: NIODeadline
    private var isPingOutstanding = false
    /// The newest ping that could not be answered because the peer does not read.
    ///
    /// RFC 6455 §5.5.3 lets us drop the others.
    private var unansweredPing: ByteBuffer?
    private var timeout: PeerTimeouts

    /// What a peer has to take in the time that it has to read.
    private static let minimumBytesRead: UInt64 = 64 * 1024

    private var loop: ConnectionLoop { self.connection.loop }

    init(connection: WebSocketConnection, session: any WebSocketSession, registry: ConnectionRegistry) {
        self.connection = connection
        self.session = session
        self.registry = registry
        self.decoder = WebSocketDecoder(
            maximumMessageBytes: registry.limits.initialMessageBytes,
            acceptedMessages: session.acceptedMessages,
            budget: registry.inboundBudget
        )
        self.lastReading = connection.eventLoop.now
        self.timeout = PeerTimeouts(registry, minimumBytes: Self.minimumBytesRead, now: self.lastReading)
    }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) {
        self.connection.context = context
        self.connection.handler = self
        self.limitOutbound(context.channel, isLoggedIn: false)
        self.loop.add(self)
        self.session?.opened(self.connection)
    }

    private func limitOutbound(_ channel: any Channel, isLoggedIn: Bool) {
        let limits = self.registry.limits
        let high = max(2, isLoggedIn ? limits.outboundBytes : min(limits.initialOutboundBytes, limits.outboundBytes))
        try? channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: high / 2, high: high))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.registry.limits.pingInterval != nil {
            self.lastReading = context.eventLoop.now
            self.isPingOutstanding = false
        }
        var input = self.unwrapInboundIn(data)
        if var held = self.heldInput {
            self.heldInput = nil
            held.writeBuffer(&input)
            self.hold(held)
        } else {
            self.decode(&input)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.readWasComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.connection.isReadingPaused && self.connection.state == .open {
            self.hasWithheldRead = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        if isWritable, let payload = self.unansweredPing {
            self.unansweredPing = nil
            self.connection.writeFrame(.pong, payload: payload)
            self.connection.flushNow()
        }
        if self.connection.state == .open {
            self.session?.writabilityChanged(isWritable: isWritable)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            self.loop.drain(self, within: self.registry.drainSpread)
        case ChannelEvent.inputClosed:
            // The peer can send neither a message nor a close frame any more.
            self.abort()
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset peer or broken TLS: no peer is left to tell.
        self.abort()
    }

    /// The log of what is sent, too.
    var frameLog: FrameLog? { self.registry.frameLog }

    // MARK: Decoding

    private func decode(_ input: inout ByteBuffer) {
        guard self.connection.state == .open || self.connection.state == .closing else { return }
        self.isDecoding = true
        defer { self.isDecoding = false }
        decoding: while true {
            switch self.connection.state {
            case .open where self.connection.isReadingPaused:
                if input.readableBytes > 0 { self.hold(input) }
                return
            case .open, .closing:
                break
            case .ending, .closed:
                return
            }
            switch self.decoder.next(&input, scratch: &self.loop.scratch) {
            case .needsMoreBytes:
                break decoding
            case .text(let text):
                if self.connection.state == .open {
                    // What is unfinished at the end of this read has only just begun.
                    self.deadline = nil
                    self.registry.frameLog?.received(text, by: self.connection.id)
                    self.session?.received(text: text)
                }
            case .binary(let bytes):
                if self.connection.state == .open {
                    self.deadline = nil
                    self.registry.frameLog?.received(bytes: bytes.readableBytes, by: self.connection.id)
                    self.session?.received(binary: bytes)
                }
            case .ping(let payload):
                self.answerPing(payload)
            case .pong:
                break
            case .close(let code):
                self.peerClosed(code)
            case .violation(let code):
                self.refuse(code)
            }
        }
    }

    /// Everything of a read has been decoded: lets the session act on it, and sends what it wrote.
    func readWasComplete() {
        if self.connection.state == .open {
            self.session?.receivedAll()
        }
        self.connection.flushNow()
        if self.connection.state == .open {
            if !self.decoder.hasUnfinishedMessage {
                self.deadline = nil
            } else if self.deadline == nil {
                self.deadline = self.connection.eventLoop.now + self.registry.limits.messageTimeout
            }
        }
    }

    private func hold(_ input: ByteBuffer) {
        let room = input.storageCapacity
        if room > self.heldReservation {
            guard self.registry.inboundBudget.reserve(room - self.heldReservation) else {
                self.refuse(.tryAgainLater)
                return
            }
            self.heldReservation = room
        }
        self.heldInput = input
    }

    private func releaseHeld() {
        self.heldInput = nil
        self.registry.inboundBudget.release(self.heldReservation)
        self.heldReservation = 0
    }

    // MARK: Control frames

    private func answerPing(_ payload: ByteBuffer) {
        guard self.connection.state == .open else { return }
        if self.connection.isWritable {
            self.connection.writeFrame(.pong, payload: payload)
        } else {
            self.unansweredPing = payload
        }
    }

    private func peerClosed(_ code: WebSocketCloseCode?) {
        if self.connection.state == .open {
            self.connection.writeCloseFrame(code: code)
        }
        self.endAfterFlush(halfClose: false)
    }

    private func refuse(_ code: WebSocketCloseCode) {
        guard self.connection.state == .open else {
            self.abort()
            return
        }
        self.connection.writeCloseFrame(code: code)
        self.endAfterFlush(halfClose: true)
    }

    /// Ends the connection when all that was written has left.
    ///
    /// - Parameter halfClose: First only our direction, and what still comes is thrown away: closing with bytes unread
    ///   would make the system send a reset, which can overtake the close frame.
    private func endAfterFlush(halfClose: Bool) {
        guard let context = self.connection.context else { return }
        self.connection.end()
        self.decoder.reset()
        self.releaseHeld()
        self.deadline = context.eventLoop.now + self.registry.limits.closeTimeout
        self.connection.flushNow()
        // An empty write completes after all that precedes it.
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolatedUnsafeUnchecked().whenComplete { _ in
            self.connection.lookForAcknowledgement()
            context.close(mode: halfClose ? .output : .all, promise: nil)
        }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: promise)
        if self.hasWithheldRead {
            self.hasWithheldRead = false
            context.read()
        }
    }

    // MARK: For the connection and the loop

    func setMaximumMessageBytes(_ bytes: Int) {
        self.decoder.maximumMessageBytes = bytes
    }

    func loggedIn() {
        self.timeout.loggedIn()
        if let channel = self.connection.context?.channel { self.limitOutbound(channel, isLoggedIn: true) }
    }

    func loggedOut() {
        self.timeout.loggedOut(now: self.connection.eventLoop.now)
        self.decoder.maximumMessageBytes = self.registry.limits.initialMessageBytes
        if let channel = self.connection.context?.channel { self.limitOutbound(channel, isLoggedIn: false) }
    }

    func closingStarted() {
        guard let context = self.connection.context else { return }
        self.deadline = context.eventLoop.now + self.registry.limits.closeTimeout
        self.readingResumed()
    }

    func readingResumed() {
        // Within a call of the session's the decoding loop goes on by itself.
        guard !self.isDecoding, let context = self.connection.context else { return }
        if var input = self.heldInput {
            self.releaseHeld()
            self.decode(&input)
            self.readWasComplete()
        }
        if self.hasWithheldRead && (!self.connection.isReadingPaused || self.connection.state != .open) {
            self.hasWithheldRead = false
            context.read()
        }
    }

    func checkTimeouts(now: NIODeadline) {
        guard self.connection.context != nil else { return }
        let waiting = self.connection.bufferedBytes
        let taken = self.connection.writtenBytes - min(self.connection.writtenBytes, UInt64(waiting))
        if self.timeout.isExhausted(taken: taken, waiting: waiting, isWaiting: waiting > 0, now: now) {
            return self.abort()
        }
        if self.connection.state == .open, self.timeout.isLogInOverdue(now: now) {
            return self.connection.close(code: .policyViolation, reason: "The login did not come in time.")
        }
        if var deadline = self.deadline {
            if self.connection.state == .open {
                deadline = deadline + .seconds(Int64(self.decoder.unfinishedBytes / (16 * 1024)))
                // A paused connection's message waits for us, not for the peer.
                if now >= deadline && !self.connection.isReadingPaused { self.refuse(.policyViolation) }
            } else if now >= deadline {
                self.abort()
            }
            return
        }
        guard let interval = self.registry.limits.pingInterval, self.connection.state == .open,
            !self.connection.isReadingPaused
        else { return }
        if now >= self.lastReading + interval + interval && self.isPingOutstanding {
            self.abort()
        } else if now >= self.lastReading + interval && !self.isPingOutstanding {
            self.isPingOutstanding = true
            self.connection.writeFrame(.ping, payload: ByteBuffer())
            self.connection.flushNow()
        }
    }

    func abort() {
        self.connection.lookForAcknowledgement()
        self.connection.context?.close(promise: nil)
    }

    func flushNow() {
        self.connection.flushNow()
    }

    private func finish() {
        guard self.connection.state != .closed else { return }
        self.decoder.reset()
        self.releaseHeld()
        self.unansweredPing = nil
        self.timeout.finish()
        self.connection.wasClosed()
        self.loop.remove(self)
        let session = self.session
        self.session = nil
        session?.closed()
    }
}

extension WebSocketHandler: LoopConnection {
    var id: ConnectionID { self.connection.id }
    var currentSession: (any ConnectionSession)? { self.session }

    func drain() {
        if self.connection.state == .open { self.session?.drain() }
    }
}

@available(*, unavailable)
extension WebSocketHandler: Sendable {}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The sending side of one WebSocket connection.
///
/// It can be kept anywhere, but apart from `id`, `eventLoop` and `remoteAddress` everything is for code on its event
/// loop. Writes collect until ``flush()``; after a close they are dropped.
package final class WebSocketConnection: PeerConnection, @unchecked Sendable {
    /// Frames up to this length are copied into the batch; longer ones are passed on as they are.
    static let maximumCopiedBytes = 8 * 1024
    /// The longest reason that fits a close frame.
    static let maximumReasonBytes = 123

    enum State {
        case open
        /// We have sent a close frame and wait for the peer's.
        case closing
        /// The last frame is on its way; nothing is read as frames any more.
        case ending
        case closed
    }

    private(set) var state = State.open
    var context: ChannelHandlerContext?
    weak var handler: WebSocketHandler?
    private var batch = ByteBuffer()
    private var hasUnflushedWrites = false
    private var isFlushPending = false
    private var totalBytes: UInt64 = 0
    /// What `totalBytes` was when the socket had taken all of it.
    private var takenBytes: UInt64 = 0
    private var knownAcknowledgedBytes: UInt64 = 0

    /// Whether frames can still be sent.
    package override var isOpen: Bool {
        self.eventLoop.assertInEventLoop()
        return self.state == .open
    }

    /// Whether the peer keeps up: less than `WebSocketLimits.outboundBytes` wait to be sent.
    package override var isWritable: Bool {
        self.eventLoop.assertInEventLoop()
        return self.context?.channel.isWritable ?? false
    }

    /// Outbound bytes that the socket has not taken yet.
    package var bufferedBytes: Int {
        self.eventLoop.assertInEventLoop()
        // Nearly always, and to ask the channel for an option takes long.
        if self.takenBytes == self.totalBytes { return 0 }
        guard let options = self.context?.channel.syncOptions else { return self.batch.readableBytes }
        let bytes = self.batch.readableBytes + ((try? options.getOption(.bufferedWritableBytes)) ?? 0)
        // What waits for a flush may be in a handler between us and the channel.
        if bytes == 0, !self.hasUnflushedWrites { self.takenBytes = self.totalBytes }
        return bytes
    }

    /// Adds a text message; `text` must be UTF-8.
    ///
    /// It leaves with the next ``flush()``.
    package func write(text: ByteBuffer) {
        self.eventLoop.assertInEventLoop()
        guard self.state == .open else { return }
        self.handler?.frameLog?.sent(text, by: self.id)
        self.writeFrame(.text, payload: text)
    }

    /// Adds a binary message.
    package func write(binary: ByteBuffer) {
        self.eventLoop.assertInEventLoop()
        guard self.state == .open else { return }
        self.handler?.frameLog?.sent(bytes: binary.readableBytes, by: self.id)
        self.writeFrame(.binary, payload: binary)
    }

    /// Adds a message that was framed before, such as one for many connections.
    package func write(frame: PreparedFrame) {
        self.eventLoop.assertInEventLoop()
        guard self.state == .open else { return }
        self.handler?.frameLog?.sent(bytes: frame.bytes.readableBytes, by: self.id)
        self.append(frame.bytes)
    }

    /// Sends what has been written, as soon as the loop has done what it has in flight now: once, however often it is
    /// asked.
    package override func flush() {
        self.eventLoop.assertInEventLoop()
        guard self.hasUnflushedWrites, !self.isFlushPending, let handler = self.handler else { return }
        self.isFlushPending = true
        self.loop.flushSoon(handler)
    }

    /// Bytes that were written so far, frame headers included.
    package var writtenBytes: UInt64 {
        self.eventLoop.assertInEventLoop()
        return self.totalBytes
    }

    /// How many of ``writtenBytes`` the peer's TCP has acknowledged, at the least; after the end, as far as that was
    /// known then.
    ///
    /// It asks the system: for now and then. Under TLS it is a little less than the truth until everything is
    /// acknowledged.
    package var acknowledgedBytes: UInt64 {
        self.eventLoop.assertInEventLoop()
        self.lookForAcknowledgement()
        return self.knownAcknowledgedBytes
    }

    /// Whether the peer's TCP has acknowledged everything that was written.
    package var isAcknowledged: Bool {
        self.acknowledgedBytes == self.totalBytes
    }

    // MARK: For the handler

    func lookForAcknowledgement() {
        guard let channel = self.context?.channel, let unacknowledged = channel.unacknowledgedBytes else { return }
        let outstanding = UInt64(self.bufferedBytes + unacknowledged)
        if outstanding < self.totalBytes {
            self.knownAcknowledgedBytes = max(self.knownAcknowledgedBytes, self.totalBytes - outstanding)
        }
    }

    func flushNow() {
        self.isFlushPending = false
        guard self.hasUnflushedWrites, let context = self.context else { return }
        self.hasUnflushedWrites = false
        let batch = self.passOnBatch(to: context)
        context.flush()
        if let batch { self.loop.giveBack(batch) }
    }

    /// Sends what has been written and a close frame; the connection ends with the peer's answer or after the timeout.
    ///
    /// - Parameters:
    ///   - code: Must be sendable; anything else is sent as 1011.
    ///   - reason: For people; cut to 123 bytes.
    package func close(code: WebSocketCloseCode, reason: String = "") {
        self.eventLoop.assertInEventLoop()
        guard self.state == .open else { return }
        self.writeCloseFrame(code: code, reason: reason)
        self.state = .closing
        self.flushNow()
        self.handler?.closingStarted()
    }

    /// Sets the longest message that the peer may send, all fragments together: for what comes from now on.
    package func setMaximumMessageBytes(_ bytes: Int) {
        self.eventLoop.assertInEventLoop()
        self.handler?.setMaximumMessageBytes(bytes)
    }

    /// Notes that the peer has logged in: it may send messages up to this length, and stay.
    package func loggedIn(maximumMessageBytes: Int) {
        self.eventLoop.assertInEventLoop()
        self.handler?.setMaximumMessageBytes(maximumMessageBytes)
        self.handler?.loggedIn()
    }

    /// Notes that no account is logged in any more: as at the beginning, messages are short, and the time for a login
    /// runs.
    package func loggedOut() {
        self.eventLoop.assertInEventLoop()
        self.handler?.loggedOut()
    }

    override func readingResumed() {
        self.handler?.readingResumed()
    }

    // MARK: Frames

    func writeFrame(_ kind: WebSocketFrameKind, payload: ByteBuffer) {
        self.prepareBatch()
        let before = self.batch.readableBytes
        self.batch.writeWebSocketHeader(kind: kind, length: payload.readableBytes)
        self.totalBytes += UInt64(self.batch.readableBytes - before)
        self.append(payload)
    }

    func writeCloseFrame(code: WebSocketCloseCode?, reason: String = "") {
        var payload = ByteBuffer()
        if let code {
            payload.writeInteger(code.isSendable ? code.rawValue : WebSocketCloseCode.internalError.rawValue)
            var reason = reason
            while reason.utf8.count > Self.maximumReasonBytes { reason.unicodeScalars.removeLast() }
            payload.writeString(reason)
        }
        self.writeFrame(.close, payload: payload)
    }

    func end() {
        if self.state != .closed { self.state = .ending }
    }

    func wasClosed() {
        self.state = .closed
        self.context = nil
        self.batch = ByteBuffer()
    }

    private func prepareBatch() {
        if self.batch.storageCapacity == 0 { self.batch = self.loop.takeBatch() }
        self.hasUnflushedWrites = true
    }

    private func append(_ bytes: ByteBuffer) {
        guard let context = self.context else { return }
        self.totalBytes += UInt64(bytes.readableBytes)
        if bytes.readableBytes <= Self.maximumCopiedBytes {
            self.prepareBatch()
            self.batch.writeImmutableBuffer(bytes)
            if self.batch.readableBytes >= ConnectionLoop.batchBytes { self.passOnBatch(to: context) }
        } else {
            self.hasUnflushedWrites = true
            self.passOnBatch(to: context)
            context.write(NIOAny(bytes), promise: nil)
        }
    }

    @discardableResult
    private func passOnBatch(to context: ChannelHandlerContext) -> ByteBuffer? {
        guard self.batch.readableBytes > 0 else { return nil }
        let batch = self.batch
        self.batch = ByteBuffer()
        context.write(NIOAny(batch), promise: nil)
        return batch
    }
}

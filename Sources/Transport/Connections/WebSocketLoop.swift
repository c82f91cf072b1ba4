// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What the WebSocket connections of one event loop share: room to decode and to batch in, and one timer for all of them,
/// so that an idle connection owns none of it.
///
/// Touched on its loop only, apart from its constants.
final class WebSocketLoop {
    /// Messages up to this length are decoded into the shared room.
    static let scratchBytes = 4096
    /// The longest outgoing batch whose room is kept for the next one.
    static let batchBytes = 64 * 1024
    /// How often time-outs are looked at.
    static let sweepInterval = TimeAmount.seconds(1)

    let eventLoop: any EventLoop
    let number: Int
    let taskExecutor: EventLoopTaskExecutor
    var scratch = ByteBuffer()

    private var sequence: UInt64 = 0
    private var handlers: [ConnectionID: WebSocketHandler] = [:]
    private var httpConnections: [ObjectIdentifier: any Channel] = [:]
    private var spareBatch = ByteBuffer()
    private var sweep: Scheduled<Void>?

    init(eventLoop: any EventLoop, number: Int) {
        self.eventLoop = eventLoop
        self.number = number
        self.taskExecutor = EventLoopTaskExecutor(eventLoop: eventLoop)
    }

    func makeID() -> ConnectionID {
        self.sequence += 1
        return ConnectionID(sequence: self.sequence, loopNumber: self.number)
    }

    func session(of id: ConnectionID) -> (any WebSocketSession)? {
        self.handlers[id]?.session
    }

    func add(_ handler: WebSocketHandler) {
        self.handlers[handler.connection.id] = handler
        if self.sweep == nil { self.scheduleSweep() }
    }

    func remove(_ handler: WebSocketHandler) {
        self.handlers[handler.connection.id] = nil
        if self.handlers.isEmpty {
            self.sweep?.cancel()
            self.sweep = nil
        }
    }

    func add(httpConnection channel: any Channel) {
        self.httpConnections[ObjectIdentifier(channel)] = channel
    }

    func remove(httpConnection channel: any Channel) {
        self.httpConnections[ObjectIdentifier(channel)] = nil
    }

    /// Closes everything without ceremony.
    func closeAll() {
        for handler in Array(self.handlers.values) { handler.abort() }
        for channel in Array(self.httpConnections.values) { channel.close(promise: nil) }
    }

    /// An empty buffer for outgoing frames; give it back when it is written.
    func takeBatch() -> ByteBuffer {
        var batch = self.spareBatch
        self.spareBatch = ByteBuffer()
        batch.clear(minimumCapacity: 512)
        return batch
    }

    func giveBack(_ batch: ByteBuffer) {
        if batch.storageCapacity <= Self.batchBytes { self.spareBatch = batch }
    }

    private func scheduleSweep() {
        self.sweep = self.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.sweepInterval) {
            self.checkTimeouts()
            if self.sweep != nil { self.scheduleSweep() }
        }
    }

    private func checkTimeouts() {
        let now = self.eventLoop.now
        // A copy, because a time-out may close the connection and so change the table.
        for handler in Array(self.handlers.values) {
            handler.checkTimeouts(now: now)
        }
    }
}

@available(*, unavailable)
extension WebSocketLoop: Sendable {}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A connection as its loop knows it.
protocol LoopConnection: AnyObject {
    var id: ConnectionID { get }
    /// `nil` before the first and after the last call of it.
    var currentSession: (any ConnectionSession)? { get }
    func checkTimeouts(now: NIODeadline)
    /// The server is stopping: the session finishes what is in flight and closes the connection, if it is open.
    func drain()
    /// Closes the connection without ceremony.
    func abort()
    /// Sends what has been written since the last flush.
    func flushNow()
}

/// What the connections of one event loop share: room to decode and to batch in, and one timer for all of them,
/// so that an idle connection owns none of it.
///
/// Touched on its loop only, apart from its constants.
final class ConnectionLoop {
    /// Messages up to this length are decoded into the shared room.
    static let scratchBytes = 4096
    /// The longest outgoing batch whose room is kept for the next one.
    static let batchBytes = 64 * 1024
    /// How often timeouts are looked at.
    static let sweepInterval = TimeAmount.seconds(1)
    /// How many connections are looked at before what has come meanwhile has its turn.
    static let sweepStep = 256
    static let sweepPause = TimeAmount.milliseconds(10)
    /// With more connections, more of them are looked at in a step.
    private static let maximumSweepSteps = 32

    let eventLoop: any EventLoop
    let number: Int
    let taskExecutor: EventLoopTaskExecutor
    let wakes: WakeSchedule
    var scratch = ByteBuffer()

    private var sequence: UInt64 = 0
    private var connections: [ConnectionID: any LoopConnection] = [:]
    private var httpConnections: [ObjectIdentifier: any Channel] = [:]
    private var spareBatch = ByteBuffer()
    private var sweep: Scheduled<Void>?
    private var waitingForFlush: [any LoopConnection] = []
    private var isFlushDue = false

    init(eventLoop: any EventLoop, number: Int) {
        self.eventLoop = eventLoop
        self.number = number
        self.taskExecutor = EventLoopTaskExecutor(eventLoop: eventLoop)
        self.wakes = WakeSchedule(eventLoop: eventLoop)
    }

    func makeID() -> ConnectionID {
        self.sequence += 1
        return ConnectionID(sequence: self.sequence, loopNumber: self.number)
    }

    func session(of id: ConnectionID) -> (any ConnectionSession)? {
        self.connections[id]?.currentSession
    }

    func add(_ connection: any LoopConnection) {
        self.connections[connection.id] = connection
        if self.sweep == nil { self.scheduleSweep() }
    }

    func remove(_ connection: any LoopConnection) {
        self.connections[connection.id] = nil
        if self.connections.isEmpty {
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

    /// Drains `connection` at some moment of the time that follows: peers that all lost it at once would all come back
    /// at once.
    func drain(_ connection: any LoopConnection, within spread: TimeAmount) {
        guard spread > .zero else { return connection.drain() }
        let wait = TimeAmount.nanoseconds(.random(in: 0..<spread.nanoseconds))
        self.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: wait) { [weak connection] in
            connection?.drain()
        }
    }

    /// Closes everything without ceremony.
    func closeAll() {
        for connection in Array(self.connections.values) { connection.abort() }
        for channel in Array(self.httpConnections.values) { channel.close(promise: nil) }
    }

    // MARK: Flushing once per tick

    /// Flushes `connection` when what the loop has in flight now is done; the connection asks once until then.
    func flushSoon(_ connection: any LoopConnection) {
        self.waitingForFlush.append(connection)
        guard !self.isFlushDue else { return }
        self.isFlushDue = true
        self.eventLoop.assumeIsolatedUnsafeUnchecked().execute { self.flushWaiting() }
    }

    /// Runs `visits`, then flushes all connections that they wrote to.
    func visit(_ visits: [@Sendable (ConnectionLoop) -> Void]) {
        let flushesHere = !self.isFlushDue
        self.isFlushDue = true
        for visit in visits { visit(self) }
        if flushesHere { self.flushWaiting() }
    }

    private func flushWaiting() {
        self.isFlushDue = false
        guard !self.waitingForFlush.isEmpty else { return }
        var waiting: [any LoopConnection] = []
        swap(&waiting, &self.waitingForFlush)
        for connection in waiting { connection.flushNow() }
        waiting.removeAll(keepingCapacity: waiting.count <= 1024)
        if self.waitingForFlush.isEmpty { self.waitingForFlush = waiting }
    }

    // MARK: Room

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

    // MARK: Timeouts

    /// Looks at all connections, some at a time: thousands of them take longer than a message may wait.
    private func scheduleSweep(of rest: ArraySlice<any LoopConnection> = []) {
        let wait = rest.isEmpty ? Self.sweepInterval : Self.sweepPause
        self.sweep = self.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: wait) {
            self.sweep = nil
            // A copy, because a timeout may close the connection and so change the table.
            let due = rest.isEmpty ? Array(self.connections.values)[...] : rest
            let step = max(Self.sweepStep, self.connections.count / Self.maximumSweepSteps)
            let now = self.eventLoop.now
            // One that has ended since the copy was made has given back what it held.
            for connection in due.prefix(step) where self.connections[connection.id] != nil {
                connection.checkTimeouts(now: now)
            }
            if self.sweep == nil, !self.connections.isEmpty { self.scheduleSweep(of: due.dropFirst(step)) }
        }
    }
}

@available(*, unavailable)
extension ConnectionLoop: Sendable {}

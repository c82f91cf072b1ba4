// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// All connections of the process, by event loop.
///
/// One per process, shared by its listeners.
package final class ConnectionRegistry: Sendable {
    /// What WebSocket connections have in common.
    package struct WebSocketLimits: Sendable {
        /// The longest message of a connection whose session has not set another limit.
        ///
        /// Default: 64 KiB.
        package var initialMessageBytes = 64 * 1024
        /// How long a message may take to arrive: this long, and a second more for each 16 KiB of it.
        ///
        /// Default: 30 s.
        package var messageTimeout = TimeAmount.seconds(30)
        /// How long a close handshake may take before the connection is cut.
        ///
        /// Default: 5 s.
        package var closeTimeout = TimeAmount.seconds(5)
        /// From how many waiting bytes on a connection is not writable (`[SERVER_LIMIT] OUTBOUND_BYTES`); below half of
        /// it is again.
        ///
        /// Default: 1 MiB.
        package var outboundBytes = 1 << 20
        /// The same before the login; whichever is less.
        ///
        /// Default: 64 KiB.
        package var initialOutboundBytes = 64 * 1024
        /// Silence after which the peer is pinged; it is cut after as much silence again.
        ///
        /// `nil`: never. Default: `nil`.
        package var pingInterval: TimeAmount?

        package init() {}
    }

    private final class Loop: @unchecked Sendable {
        // Only `eventLoop`, `number` and `taskExecutor`, which never change, are read from other threads.
        let value: ConnectionLoop
        private let visits = Mutex<[@Sendable (ConnectionLoop) -> Void]>([])

        init(value: ConnectionLoop) {
            self.value = value
        }

        /// Runs `visit` on the loop: all that come before it has the time to, in one hop.
        func visit(_ visit: @escaping @Sendable (ConnectionLoop) -> Void) {
            let isFirst = self.visits.withLock { visits in
                visits.append(visit)
                return visits.count == 1
            }
            guard isFirst else { return }
            self.value.eventLoop.execute {
                let visits = self.visits.withLock { visits in
                    defer { visits = [] }
                    return visits
                }
                self.value.visit(visits)
            }
        }
    }

    private struct Counts {
        var open = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Memory for partly received messages of all connections.
    package let inboundBudget: InboundBudget
    /// Limits that apply to every connection.
    package let limits: WebSocketLimits
    /// What is asked of the peers of all connections.
    package let peers: PeerLimits
    let connectionCounts: ConnectionCounts
    /// What waits for all peers that read slowly, as far as it is known.
    let outboundTotal: OutboundTotal
    /// Where frames are logged; `nil` below level trace.
    let frameLog: FrameLog?
    /// Over how long connections are drained when their listener stops.
    let drainSpread: TimeAmount
    private let loops: [Loop]
    private let loopsByIdentity: [ObjectIdentifier: Loop]
    private let counts = Mutex(Counts())
    private let isShut = Atomic(false)

    /// Creates the registry for the connections on the loops of `group`.
    package init(
        group: any EventLoopGroup,
        inboundBudget: InboundBudget = InboundBudget(),
        limits: WebSocketLimits = WebSocketLimits(),
        peers: PeerLimits = PeerLimits(),
        frameLog: FrameLog? = nil,
        drainSpread: TimeAmount = .zero
    ) {
        self.drainSpread = drainSpread
        self.frameLog = frameLog
        self.inboundBudget = inboundBudget
        self.limits = limits
        self.peers = peers
        self.connectionCounts = ConnectionCounts(limits: peers)
        self.outboundTotal = OutboundTotal(maximumBytes: peers.outboundBytes)
        var loops: [Loop] = []
        var loopsByIdentity: [ObjectIdentifier: Loop] = [:]
        for eventLoop in group.makeIterator() {
            let loop = Loop(value: ConnectionLoop(eventLoop: eventLoop, number: loops.count))
            loops.append(loop)
            loopsByIdentity[ObjectIdentifier(eventLoop)] = loop
        }
        self.loops = loops
        self.loopsByIdentity = loopsByIdentity
    }

    /// Connections that are open now, of every kind.
    package var openConnections: Int {
        self.counts.withLock { $0.open }
    }

    /// What waits for peers that read slowly, in bytes, as far as it is known.
    package var waitingBytes: Int { self.outboundTotal.usedBytes }

    /// The executor that keeps a task on `eventLoop`; `nil` when the loop is not of this registry's group.
    package func taskExecutor(of eventLoop: any EventLoop) -> EventLoopTaskExecutor? {
        self.loopsByIdentity[ObjectIdentifier(eventLoop)]?.value.taskExecutor
    }

    /// Calls `body` with the session of each connection that is still open, on its loop: one hop per loop.
    ///
    /// The order of `ids`, and that of calls that do not overlap, holds within a loop. What the sessions flush is
    /// flushed once, after `body` has run for all of a loop.
    package func forEachSession(
        of ids: some Sequence<ConnectionID>,
        _ body: @escaping @Sendable (any ConnectionSession) -> Void
    ) {
        var idsByLoop = [[ConnectionID]](repeating: [], count: self.loops.count)
        for id in ids where id.loopNumber < idsByLoop.count { idsByLoop[id.loopNumber].append(id) }
        for (loop, ids) in zip(self.loops, idsByLoop) where !ids.isEmpty {
            loop.visit { loop in
                for id in ids {
                    if let session = loop.session(of: id) { body(session) }
                }
            }
        }
    }

    /// Closes every connection at once, and those that may still come: the end of a graceful shutdown that took too
    /// long.
    package func closeAll() {
        self.isShut.store(true, ordering: .releasing)
        for loop in self.loops {
            loop.value.eventLoop.execute { loop.value.closeAll() }
        }
    }

    /// Counts `channel`, which has just been accepted, until it is closed; returns whether it may be served.
    func admit(_ channel: any Channel) -> Bool {
        guard self.connectionCounts.admit() else { return false }
        channel.closeFuture.whenComplete { [connectionCounts] _ in connectionCounts.leave() }
        return true
    }

    /// Counts `channel` among those of the address that it comes from, until it is closed; returns whether it may be
    /// served.
    func admit(_ channel: any Channel, from address: SocketAddress?) -> Bool {
        guard let source = ConnectionCounts.Source(address) else { return true }
        guard self.connectionCounts.admit(source) else { return false }
        channel.closeFuture.whenComplete { [connectionCounts] _ in connectionCounts.leave(source) }
        return true
    }

    /// Closes `channel`, which has just been accepted, when it comes too late.
    func closeIfShut(_ channel: any Channel) {
        guard self.isShut.load(ordering: .acquiring) else { return }
        // Not at once: the pipeline is being built.
        channel.eventLoop.execute { channel.close(promise: nil) }
    }

    /// Returns when no connection is open.
    package func allClosed() async {
        await withCheckedContinuation { continuation in
            let isDone = self.counts.withLock { counts in
                if counts.open > 0 { counts.waiters.append(continuation) }
                return counts.open == 0
            }
            if isDone { continuation.resume() }
        }
    }

    func loop(of eventLoop: any EventLoop) -> ConnectionLoop? {
        self.loopsByIdentity[ObjectIdentifier(eventLoop)]?.value
    }

    func connectionOpened() {
        self.counts.withLock { $0.open += 1 }
    }

    func connectionClosed() {
        let waiters = self.counts.withLock { counts in
            counts.open -= 1
            guard counts.open == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { counts.waiters = [] }
            return counts.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

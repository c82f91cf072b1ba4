// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSimulation
import NIOCore

/// Who is at the other end of a connection to a server.
protocol SimulatedPeer: AnyObject {
    /// Bytes that the peer has read; its TCP has acknowledged them.
    func received(_ bytes: ByteBuffer, on socket: SimulatedSocket)
    /// Nothing more comes.
    func ended(_ socket: SimulatedSocket)
}

/// One TCP connection: both directions, with delays, bounded room, and what is lost when it breaks.
final class SimulatedSocket: @unchecked Sendable {
    let descriptor: CInt
    let process: SimulatedProcess
    private let scheduler: Scheduler
    private let loop: SimulatedLoop
    private weak var peer: (any SimulatedPeer)?
    private(set) var channel: SimulatedChannel?
    private var random: SeededRandom
    private let longestDelay: Duration
    /// How many bytes the server's side takes without an acknowledgement.
    private let capacity: Int

    /// Taken from the server and not acknowledged.
    private var outgoing: [(bytes: ByteBuffer, written: Duration)] = []
    private var unacknowledged = 0 { didSet { simulation_set_unacknowledged(descriptor, CInt(unacknowledged)) } }
    private var isTravelling = false
    private var incoming: [ByteBuffer] = []
    private var isIncomingTravelling = false
    private var serverHasEnded = false
    private(set) var isBroken = false

    /// When the server wrote what the peer has read last.
    private(set) var lastWritten = Duration.zero
    var now: Duration { scheduler.now }

    /// Whether the peer reads.
    var isReading = true { didSet { transmit() } }

    nonisolated(unsafe) private static var last: CInt = 0

    init(
        to loop: SimulatedLoop, of process: SimulatedProcess, peer: any SimulatedPeer, scheduler: Scheduler,
        capacity: Int, longestDelay: Duration, seed: UInt64
    ) {
        Self.last += 1
        descriptor = CInt(simulation_first_descriptor) + Self.last
        self.loop = loop
        self.process = process
        self.peer = peer
        self.scheduler = scheduler
        self.capacity = capacity
        self.longestDelay = longestDelay
        random = SeededRandom(seed: seed)
        simulation_set_unacknowledged(descriptor, 0)
    }

    /// Lets the server accept: `build` fills the pipeline, on the loop.
    func accept(_ build: @escaping @Sendable (SimulatedChannel) throws -> Void) {
        loop.execute { [self] in
            let channel = SimulatedChannel(socket: self, loop: loop)
            self.channel = channel
            do {
                channel.open()
                try build(channel)
                channel.pipeline.read()
            } catch {
                preconditionFailure("no pipeline: \(error)")
            }
        }
    }

    private func delay() -> Duration { random.time(.microseconds(20), longestDelay) }

    // MARK: The server's side

    /// Whether there is room for more.
    var hasRoom: Bool { unacknowledged < capacity }

    /// Takes what the server wrote some time ago.
    func send(_ bytes: ByteBuffer, written: Duration) {
        unacknowledged += bytes.readableBytes
        outgoing.append((bytes, written))
        transmit()
    }

    /// The server sends nothing more.
    func endFromServer() {
        serverHasEnded = true
        transmit()
    }

    private func transmit() {
        guard !isTravelling, !isBroken, isReading else { return }
        guard !outgoing.isEmpty else {
            if serverHasEnded { tellEnd() }
            return
        }
        isTravelling = true
        let (bytes, written) = outgoing.removeFirst()
        scheduler.after(delay(), for: nil) { [self] in
            isTravelling = false
            if isBroken { return }
            unacknowledged -= bytes.readableBytes
            lastWritten = written
            peer?.received(bytes, on: self)
            if !process.isDead { loop.execute { self.channel?.roomMade() } }
            transmit()
        }
    }

    private func tellEnd() {
        guard !isBroken else { return }
        isBroken = true
        peer?.ended(self)
        closePeer()
    }

    // MARK: The peer's side

    /// Sends bytes to the server.
    func write(_ bytes: ByteBuffer) {
        guard !isBroken else { return }
        incoming.append(bytes)
        carry()
    }

    private func carry() {
        guard !isIncomingTravelling, !incoming.isEmpty else { return }
        isIncomingTravelling = true
        scheduler.after(delay(), for: nil) { [self] in
            isIncomingTravelling = false
            guard !incoming.isEmpty else { return }
            let bytes = incoming.removeFirst()
            if !process.isDead { loop.execute { self.channel?.arrived(bytes) } }
            carry()
        }
    }

    /// The peer is gone: what is on its way to it is lost, what it sent arrives first.
    func cut() {
        guard !isBroken else { return }
        isBroken = true
        closePeer()
    }

    /// The peer has closed its end, of itself or since the server did.
    private func closePeer() {
        if process.isDead { return }
        scheduler.after(delay(), for: nil) { [self] in
            let rest = incoming
            incoming = []
            loop.execute {
                for bytes in rest { self.channel?.arrived(bytes) }
                self.channel?.peerEnded()
            }
        }
    }

    /// The server begins to stop.
    func drain() {
        guard !isBroken else { return }
        loop.execute { self.channel?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// The server's process is gone: the peer notices.
    func serverDied() {
        scheduler.after(delay(), for: nil) { [self] in tellEnd() }
    }
}

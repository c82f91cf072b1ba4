// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import NIOCore
import NIOPosix

/// What one round gave.
struct FanOutFigures: Sendable {
    var deliveriesPerSecond: Double
    /// From send to the last delivery.
    var latencies: Latencies
    /// Microseconds of processor time for each delivery.
    var serverProcessor: Double
    var clientProcessor: Double
    /// Which part of all processors was busy, 0 to 1.
    var machineBusy: Double
    var serverResidentKiB: Int
}

/// A server with a group.
struct FanOutContender: Sendable {
    let name: String
    let process: ChildProcess
    let port: Int
    let receiverPath: String
    let senderPath: String
    /// What each receiver says first.
    let greetings: [[UInt8]]?
    /// What each sender says first.
    let senderGreetings: [[UInt8]]?
    /// One for each sender.
    let templates: [MarkedFrame]
}

/// All connections to one server: senders, and receivers that are online.
struct FanOutCrowd: Sendable {
    private let contender: FanOutContender
    private let members: Int
    private let receivers: Crowd
    private let sending: Crowd
    private let tallies: [ReceiverTally]
    private let senders: [FanOutSender]
    private let recorders: [LatencyRecorder]

    /// Connects everybody, and waits until all receivers are told of what happens.
    init(_ contender: FanOutContender, members: Int, addresses: Int) async throws {
        let loops = Crowd.loops
        let tallies = loops.enumerated().map { index, loop in
            ReceiverTally(loop: loop, receivers: (members - index + loops.count - 1) / loops.count)
        }
        let recorders = loops.map { _ in LatencyRecorder() }
        let senders = contender.templates.enumerated().map { index, template in
            FanOutSender(
                loop: loops[index % loops.count], template: template, greeting: contender.senderGreetings?[index],
                parts: min(members, loops.count), recorder: recorders[index % loops.count])
        }
        for tally in tallies { try await tally.loop.submit { tally.senders = senders }.get() }
        self.contender = contender
        self.members = members
        self.tallies = tallies
        self.senders = senders
        self.recorders = recorders
        receivers = try await Crowd.connect(
            members, port: contender.port, path: contender.receiverPath, addresses: addresses
        ) { index, loop in
            Receiver(tally: tallies[loop], greeting: contender.greetings?[index], senders: senders.count)
        }
        for tally in tallies { try await tally.ready.futureResult.get() }
        sending = try await Crowd.connect(
            senders.count, port: contender.port, path: contender.senderPath, addresses: addresses
        ) { index, _ in senders[index] }
    }

    /// Loads the server: first unmeasured, then measured; and waits until every receiver has got everything.
    func round(depth: Int, warmUp: Duration, measured: Duration) async throws -> FanOutFigures {
        try await ProcessUsage.waitUntilIdle(contender.process.id)
        for sender in senders { sender.loop.execute { sender.start(depth: depth) } }
        try await Task.sleep(for: warmUp)
        for recorder in recorders { recorder.reset() }
        let before = try await Snapshot(self)
        try await Task.sleep(for: measured)
        let after = try await Snapshot(self)
        let latencies = LatencyRecorder.latencies(of: recorders)
        for tally in tallies {
            if let failure = try await tally.loop.submit({ tally.failure }).get() { throw failure }
        }
        for sender in senders {
            try await sender.loop.flatSubmit { sender.stop() }.get()
            if let failure = try await sender.loop.submit({ sender.failure }).get() { throw failure }
        }

        let deliveries = Double(after.delivered - before.delivered)
        guard deliveries > 0 else { throw BenchmarkFailure("\(contender.name) delivered nothing in a whole round.") }
        return FanOutFigures(
            deliveriesPerSecond: deliveries / (Double((after.time - before.time).nanoseconds) / 1e9),
            latencies: latencies,
            serverProcessor: (after.server.processorMicroseconds - before.server.processorMicroseconds) / deliveries,
            clientProcessor: (after.client.processorMicroseconds - before.client.processorMicroseconds) / deliveries,
            machineBusy: after.machine.busyShare(since: before.machine), serverResidentKiB: after.server.residentKiB)
    }

    /// Ends the connections.
    func disconnect() async {
        await sending.disconnect()
        await receivers.disconnect()
    }

    private struct Snapshot {
        let time: NIODeadline
        var delivered = 0
        let server: ProcessUsage
        let client: ProcessUsage
        let machine: MachineUsage

        init(_ crowd: FanOutCrowd) async throws {
            for tally in crowd.tallies { delivered += try await tally.loop.submit { tally.delivered }.get() }
            time = .now()
            server = try ProcessUsage(of: crowd.contender.process.id)
            client = try ProcessUsage(of: getpid())
            machine = MachineUsage()
        }
    }
}

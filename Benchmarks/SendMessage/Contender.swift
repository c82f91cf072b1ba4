// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import MTP
import NIOCore
import NIOPosix
import TestClient

/// What one round against one server gave.
struct Round: Sendable {
    var messagesPerSecond: Double
    var latencies: Latencies
    /// Microseconds of processor time for each message.
    var serverProcessor: Double
    var clientProcessor: Double
    /// Which part of all processors was busy, 0 to 1.
    var machineBusy: Double
}

/// One server with all its connections, to be loaded in rounds.
struct Contender: Sendable {
    let name: String
    let process: ChildProcess
    let senders: [Sender]
    private let recorders: [LatencyRecorder]

    /// Connects to a server.
    ///
    /// - Parameters:
    ///   - name: For the tables.
    ///   - process: The server.
    ///   - url: Where it is.
    ///   - templates: What each connection sends.
    ///   - depth: How many requests each has in flight.
    ///   - proof: What an answer must contain to count.
    /// - Throws: `ClientError` when a connection fails.
    init(
        name: String, process: ChildProcess, url: String, templates: [FrameTemplate], depth: Int, proof: String
    ) async throws {
        self.name = name
        self.process = process
        let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
        let recorders = loops.map { _ in LatencyRecorder() }
        self.recorders = recorders
        senders = templates.enumerated().map { index, template in
            Sender(template: template, depth: depth, proof: proof, recorder: recorders[index % recorders.count])
        }
        for (index, sender) in senders.enumerated() {
            try await sender.connect(to: url, on: loops[index % loops.count])
        }
    }

    /// Loads the server: first unmeasured, then measured; and waits until every answer has come.
    func round(warmUp: Duration, measured: Duration) async throws -> Round {
        try await ProcessUsage.waitUntilIdle(process.id)
        for sender in senders { sender.start() }
        try await Task.sleep(for: warmUp)
        for recorder in recorders { recorder.reset() }
        let before = try Snapshot(self)
        try await Task.sleep(for: measured)
        let after = try Snapshot(self)
        let latencies = LatencyRecorder.latencies(of: recorders)
        for sender in senders { await sender.drain() }
        if let failure = senders.lazy.compactMap(\.failure).first { throw failure }

        let messages = Double(after.answered - before.answered)
        guard messages > 0 else { throw BenchmarkFailure("\(name) answered nothing in a whole round.") }
        return Round(
            messagesPerSecond: messages / (Double((after.time - before.time).nanoseconds) / 1e9),
            latencies: latencies,
            serverProcessor: (after.server.processorMicroseconds - before.server.processorMicroseconds) / messages,
            clientProcessor: (after.client.processorMicroseconds - before.client.processorMicroseconds) / messages,
            machineBusy: after.machine.busyShare(since: before.machine))
    }

    private struct Snapshot {
        let time: NIODeadline
        let answered: Int64
        let server: ProcessUsage
        let client: ProcessUsage
        let machine: MachineUsage

        init(_ contender: Contender) throws {
            time = .now()
            answered = contender.senders.reduce(0) { $0 + $1.answered }
            server = try ProcessUsage(of: contender.process.id)
            client = try ProcessUsage(of: getpid())
            machine = MachineUsage()
        }
    }

    /// Ends the connections.
    func disconnect() async {
        for sender in senders { await sender.close() }
    }
}

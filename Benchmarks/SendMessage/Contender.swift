// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import NIOCore

/// What one round against one server gave.
struct Round: Sendable {
    var requestsPerSecond: Double
    var latencies: Latencies
    /// Microseconds of processor time for each request.
    var serverProcessor: Double
    var clientProcessor: Double
    /// Which part of all processors was busy, 0 to 1.
    var machineBusy: Double
}

/// One server with all its connections, to be loaded in rounds.
struct Contender: Sendable {
    let name: String
    let process: ChildProcess
    private let crowd: Crowd
    private let tallies: [SenderTally]

    /// Connects to a server, and waits until all connections may send.
    ///
    /// - Parameters:
    ///   - name: For the tables.
    ///   - process: The server.
    ///   - port: Where it listens.
    ///   - frames: What each connection asks for.
    ///   - outstanding: How many requests of each connection are outstanding.
    ///   - greetings: What each connection says first; `nil`: nothing.
    /// - Throws: What kept a connection from being made.
    init(
        name: String, process: ChildProcess, port: Int, frames: [RequestFrames], outstanding: Int,
        greetings: [[UInt8]]? = nil
    ) async throws {
        let loops = Crowd.loops
        let tallies = loops.enumerated().map { index, loop in
            SenderTally(loop: loop, connections: (frames.count - index + loops.count - 1) / loops.count)
        }
        self.name = name
        self.process = process
        self.tallies = tallies
        crowd = try await Crowd.connect(frames.count, port: port, addresses: 1) { index, loop in
            Sender(
                frames: frames[index], outstanding: outstanding, greeting: greetings?[index], tally: tallies[loop])
        }
        for tally in tallies { try await tally.ready.futureResult.get() }
    }

    /// Loads the server: first unmeasured, then measured; and waits until every answer has come.
    func round(warmUp: Duration, measured: Duration) async throws -> Round {
        try await ProcessUsage.waitUntilIdle(process.id)
        for tally in tallies { tally.loop.execute { tally.start() } }
        try await Task.sleep(for: warmUp)
        for tally in tallies { tally.recorder.reset() }
        let before = try await Snapshot(self)
        try await Task.sleep(for: measured)
        let after = try await Snapshot(self)
        let latencies = LatencyRecorder.latencies(of: tallies.map(\.recorder))
        for tally in tallies {
            try await tally.loop.flatSubmit { tally.stop() }.get()
            if let failure = try await tally.loop.submit({ tally.failure }).get() { throw failure }
        }

        let requests = Double(after.answered - before.answered)
        guard requests > 0 else { throw BenchmarkFailure("\(name) answered nothing in a whole round.") }
        return Round(
            requestsPerSecond: requests / (Double((after.time - before.time).nanoseconds) / 1e9),
            latencies: latencies,
            serverProcessor: (after.server.processorMicroseconds - before.server.processorMicroseconds) / requests,
            clientProcessor: (after.client.processorMicroseconds - before.client.processorMicroseconds) / requests,
            machineBusy: after.machine.busyShare(since: before.machine))
    }

    private struct Snapshot {
        let time: NIODeadline
        var answered = 0
        let server: ProcessUsage
        let client: ProcessUsage
        let machine: MachineUsage

        init(_ contender: Contender) async throws {
            for tally in contender.tallies { answered += try await tally.loop.submit { tally.answered }.get() }
            time = .now()
            server = try ProcessUsage(of: contender.process.id)
            client = try ProcessUsage(of: getpid())
            machine = MachineUsage()
        }
    }

    /// Ends the connections.
    ///
    /// - Returns: How many messages of each connection were acknowledged, by the number of its first one.
    func disconnect() async throws -> [Int64: Int] {
        var answered: [Int64: Int] = [:]
        for tally in tallies {
            answered.merge(try await tally.loop.submit { tally.finish() }.get()) { first, _ in first }
        }
        await crowd.disconnect()
        return answered
    }
}

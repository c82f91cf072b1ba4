// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import MTP
import NIOCore
import TestClient

/// MTP clients that come back with their tokens and switch push on.
struct TokenStorm: Sendable {
    /// Notes when a client is logged in; touched on its loop only, hence `@unchecked Sendable`.
    private final class Client: CrowdMember, @unchecked Sendable {
        private let greeting: [UInt8]
        private let recorder: LatencyRecorder
        private let start = NIODeadline.now()
        private let back: EventLoopPromise<Void>

        init(greeting: [UInt8], recorder: LatencyRecorder, back: EventLoopPromise<Void>) {
            self.greeting = greeting
            self.recorder = recorder
            self.back = back
        }

        func opened(_ connection: CrowdConnection) {
            connection.send(text: greeting)
        }

        func received(_ message: UnsafeRawBufferPointer) {
            guard message.firstOffset(of: Array(#""errors":{"code":200,"#.utf8)) != nil else {
                return back.fail(
                    BenchmarkFailure("A client was answered: \(String(decoding: message.prefix(400), as: UTF8.self))"))
            }
            recorder.record(.now() - start)
            back.succeed(())
        }

        func ended() {
            back.fail(BenchmarkFailure("The connection of a client ended."))
        }
    }

    let accounts: [MTPCredentials]

    /// Brings all clients back.
    ///
    /// - Parameters:
    ///   - server: Where to.
    ///   - options: How many at the same time, and from how many addresses.
    /// - Returns: What was seen.
    /// - Throws: What kept one of them from coming back.
    func figures(of server: ServerProcess, _ options: PresenceStormOptions) async throws -> StormFigures {
        try await ProcessUsage.waitUntilIdle(server.process.id)
        let before = try ProcessUsage(of: server.process.id)
        let start = ContinuousClock.now
        let loops = Crowd.loops
        let recorders = loops.map { _ in LatencyRecorder() }
        let backs = accounts.indices.map { loops[$0 % loops.count].makePromise(of: Void.self) }
        let accounts = accounts
        let crowd = try await Crowd.connect(
            accounts.count, port: server.port, addresses: options.addresses, lanes: options.lanes
        ) { index, loop in
            Client(
                greeting: MTPRequest.startOfPush(as: accounts[index]).encoded(), recorder: recorders[loop],
                back: backs[index])
        }
        for back in backs { try await back.futureResult.get() }
        let elapsed = start.duration(to: .now)
        try await ProcessUsage.waitUntilIdle(server.process.id)
        let after = try ProcessUsage(of: server.process.id)
        await crowd.disconnect()
        return StormFigures(
            people: accounts.count, elapsed: elapsed, latencies: LatencyRecorder.latencies(of: recorders),
            serverMicroseconds: after.processorMicroseconds - before.processorMicroseconds, pushes: 0,
            quietAfter: nil, residentKiB: after.residentKiB)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import NIOCore
import Skaro
import Synchronization
import TestClient

/// skaro clients whose connections broke, and that restore their sessions; each has contacts that it is told of.
struct RestoreStorm: Sendable {
    private let sessions: [String]

    /// Logs everybody in, adds the contacts, and breaks the connections.
    ///
    /// - Parameters:
    ///   - server: Where to.
    ///   - options: How many people and contacts.
    /// - Throws: What the server or the connection refused.
    init(on server: ServerProcess, _ options: PresenceStormOptions) async throws {
        let people = options.people
        sessions = try await Self.inLanes(people, lanes: options.lanes) { number in
            let url = server.url(host: "127.0.0.\(1 + number % options.addresses)", path: "/skaro")
            let client = try await SkaroClient.connect(url: url)
            let session = try await client.authorize(
                login: BenchmarkAccounts.login(of: number), password: BenchmarkAccounts.password(of: number))
            for step in 0..<min(options.contacts, people - 1) {
                let contact = BenchmarkAccounts.login(of: (number + 1 + step) % people)
                let answer = try await client.request(.addContact(login: contact))
                guard answer.isSuccess else { throw SkaroDenial(answer) }
            }
            await client.webSocket.abort()
            return session
        }
    }

    private init(sessions: [String]) {
        self.sessions = sessions
    }

    /// What the clients were told of each other.
    private final class Told: Sendable {
        private let state = Mutex((count: 0, last: ContinuousClock.now))

        func add() {
            state.withLock { state in
                state.count += 1
                state.last = .now
            }
        }

        var value: (count: Int, last: ContinuousClock.Instant) { state.withLock { $0 } }
    }

    /// Restores all sessions, then breaks the connections again.
    ///
    /// - Parameters:
    ///   - server: Where to.
    ///   - options: How many at the same time, and from how many addresses.
    /// - Returns: What was seen, and the sessions as they are named now.
    /// - Throws: What the server or a connection refused.
    func figures(
        of server: ServerProcess, _ options: PresenceStormOptions
    ) async throws -> (StormFigures, RestoreStorm) {
        try await ProcessUsage.waitUntilIdle(server.process.id)
        let before = try ProcessUsage(of: server.process.id)
        let recorder = LatencyRecorder()
        let told = Told()
        let start = ContinuousClock.now
        let sessions = sessions
        let back = try await Self.inLanes(sessions.count, lanes: options.lanes) { number in
            let begin = NIODeadline.now()
            let url = server.url(host: "127.0.0.\(1 + number % options.addresses)", path: "/skaro")
            let client = try await SkaroClient.connect(url: url)
            let session = try await client.restore(sessions[number])
            recorder.record(.now() - begin)
            let listener = Task {
                for await news in client.pushes {
                    if case .changed = news { told.add() }
                }
            }
            return (client, session, listener)
        }
        let elapsed = start.duration(to: .now)
        try await ProcessUsage.waitUntilIdle(server.process.id)
        let after = try ProcessUsage(of: server.process.id)
        let (pushes, last) = told.value
        for (client, _, listener) in back {
            await client.webSocket.abort()
            await listener.value
        }
        let figures = StormFigures(
            people: back.count, elapsed: elapsed, latencies: LatencyRecorder.latencies(of: [recorder]),
            serverMicroseconds: after.processorMicroseconds - before.processorMicroseconds, pushes: pushes,
            quietAfter: pushes > 0 ? start.duration(to: last) : nil, residentKiB: after.residentKiB)
        return (figures, RestoreStorm(sessions: back.map(\.1)))
    }

    /// Does something for each number, some at the same time.
    private static func inLanes<Product: Sendable>(
        _ count: Int, lanes: Int, _ work: @escaping @Sendable (Int) async throws -> Product
    ) async throws -> [Product] {
        try await withThrowingTaskGroup(of: [(Int, Product)].self) { group in
            for lane in 0..<min(lanes, count) {
                group.addTask {
                    var made: [(Int, Product)] = []
                    for number in stride(from: lane, to: count, by: lanes) {
                        made.append((number, try await work(number)))
                    }
                    return made
                }
            }
            var all: [(Int, Product)] = []
            for try await made in group { all += made }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

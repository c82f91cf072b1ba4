// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import FastChat
import Synchronization

/// Throw-away people of one protocol who write to each other at a rate: each to the next one, in a circle.
///
/// A message counts as acknowledged when the server has said so; over protocols that do not, when it has answered what
/// was asked after it. It counts as delivered when its reader was shown it.
package final class LoadRun: Sendable {
    /// How much, and for how long.
    package struct Plan: Sendable {
        package var connections: Int
        /// Messages per second of all connections together.
        package var rate: Double
        package var duration: Duration

        package init(connections: Int, rate: Double, duration: Duration) {
            self.connections = connections
            self.rate = rate
            self.duration = duration
        }
    }

    private struct State {
        var registered: [CrossProtocolCheck.Person] = []
        var figures = LoadFigures()
        /// When messages were sent that their readers were not shown yet, by text.
        var pending: [String: ContinuousClock.Instant] = [:]
    }

    private typealias Client = any ConversationClient

    /// How many people register at the same time: each costs the server a hash.
    private static let registrationsAtOnce = 4
    /// How long messages may be on their way when the last one was sent.
    private static let longestDelivery = Duration.seconds(5)
    private static let lookPause = Duration.milliseconds(20)
    private static let progressPause = Duration.seconds(1)

    private let server: any ConversationServer
    private let wireProtocol: WireProtocol
    private let plan: Plan
    private let people: [CrossProtocolCheck.Person]
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    package init(
        server: any ConversationServer, over wireProtocol: WireProtocol, plan: Plan,
        instant: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.server = server
        self.wireProtocol = wireProtocol
        self.plan = plan
        self.instant = instant
        var random = SystemRandomNumberGenerator()
        people = (0..<plan.connections).map { _ in .init(wireProtocol, using: &random) }
    }

    /// Those whose accounts were made.
    package var registered: [CrossProtocolCheck.Person] { state.withLock { $0.registered } }

    /// What has happened so far.
    package var figures: LoadFigures { state.withLock { $0.figures } }

    /// Registers all, lets them write, and waits until what they wrote has arrived.
    ///
    /// `progress` is called every second with the time since the first message.
    ///
    /// - Throws: Why an account could not be registered, or not find the one to write to.
    package func run(progress: @escaping @Sendable (LoadFigures, Duration) -> Void) async throws {
        var clients: [Client] = []
        do {
            try await connect(&clients)
            let conversations = try await conversations(of: clients)
            try await write(clients, conversations, progress)
        } catch {
            for client in clients { await client.close() }
            throw error
        }
    }

    // MARK: Before

    private func connect(_ clients: inout [Client]) async throws {
        clients += try await withThrowingTaskGroup(of: Client.self) { group in
            var made: [Client] = []
            var waiting = people[...]
            func start() {
                guard let person = waiting.popFirst() else { return }
                group.addTask { try await self.register(person) }
            }
            for _ in 0..<Self.registrationsAtOnce { start() }
            do {
                while let client = try await group.next() {
                    made.append(client)
                    start()
                }
            } catch {
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .success(let client) = result { made.append(client) }
                }
                for client in made { await client.close() }
                throw error
            }
            return made
        }
    }

    private func register(_ person: CrossProtocolCheck.Person) async throws -> Client {
        let client = try await server.connect(
            wireProtocol, login: person.login, password: person.password, isNew: true)
        state.withLock { $0.registered.append(person) }
        return client
    }

    /// Whom each writes to; chats that have to be made are made one after the other.
    private func conversations(of clients: [Client]) async throws -> [Conversation] {
        var found: [Conversation] = []
        for (index, client) in clients.enumerated() {
            let name = clients[(index + 1) % clients.count].own
            if wireProtocol == .mtp { _ = try await client.add(name) }
            found.append(try await client.find(name))
        }
        return found
    }

    // MARK: Writing

    private func write(
        _ clients: [Client], _ conversations: [Conversation],
        _ progress: @escaping @Sendable (LoadFigures, Duration) -> Void
    ) async throws {
        let start = instant()
        await withTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { await self.read(client) } }
            await withTaskGroup(of: Void.self) { telling in
                telling.addTask {
                    while self.sinceStart(start) < self.plan.duration, !Task.isCancelled {
                        let rest = self.plan.duration - self.sinceStart(start)
                        try? await Task.sleep(for: min(Self.progressPause, rest))
                        progress(self.figures, self.sinceStart(start))
                    }
                }
                // Without any connection there is nothing to wait for.
                if await !self.writeAll(clients, conversations, start: start) { telling.cancelAll() }
            }
            state.withLock { $0.figures.duration = start.duration(to: instant()) }
            let lastSent = instant()
            while !state.withLock({ $0.pending.isEmpty }), lastSent.duration(to: instant()) < Self.longestDelivery,
                !Task.isCancelled
            {
                try? await Task.sleep(for: Self.lookPause)
            }
            // What they have been told is read to the end.
            for client in clients { await client.close() }
        }
        state.withLock { $0.figures.settleNotices() }
        try Task.checkCancellation()
    }

    private func sinceStart(_ start: ContinuousClock.Instant) -> Duration { start.duration(to: instant()) }

    /// - Returns: Whether any connection could go on.
    private func writeAll(
        _ clients: [Client], _ conversations: [Conversation], start: ContinuousClock.Instant
    ) async -> Bool {
        await withTaskGroup(of: Bool.self) { writers in
            for (index, client) in clients.enumerated() {
                writers.addTask { await self.write(client, to: conversations[index], number: index, start: start) }
            }
            return await writers.reduce(false) { $0 || $1 }
        }
    }

    /// Writes at the times of one connection: they are spread evenly among those of the others.
    ///
    /// - Returns: Whether the connection could go on.
    private func write(
        _ client: Client, to conversation: Conversation, number: Int, start: ContinuousClock.Instant
    ) async -> Bool {
        let interval = Duration.seconds(Double(plan.connections) / plan.rate)
        var due = start + Duration.seconds(Double(number) / plan.rate)
        var count = 0
        while due < start + plan.duration, !Task.isCancelled {
            let wait = instant().duration(to: due)
            if wait > .zero {
                do { try await Task.sleep(for: wait) } catch { return true }
            }
            count += 1
            guard await send("load \(client.own) \(count)", by: client, to: conversation) else { return false }
            due += interval
            // What could not be sent in time is not made up for: that would be another rate.
            let now = instant()
            while due + interval <= now, due < start + plan.duration {
                due += interval
                state.withLock { $0.figures.late += 1 }
            }
        }
        return true
    }

    /// - Returns: Whether the connection can go on.
    private func send(_ text: String, by client: Client, to conversation: Conversation) async -> Bool {
        let sent = instant()
        state.withLock { state in
            state.figures.sent += 1
            state.pending[text] = sent
        }
        do {
            let giveUp: @Sendable () async -> Void = { await client.close() }
            try await answered(within: server.timeout, by: server.address(wireProtocol), giveUp: giveUp) {
                try await client.say(text, to: conversation)
                // The answer to a later request says that the message was taken.
                if client.wireProtocol == .fastchat { try await client.ping() }
            }
            state.withLock { $0.figures.acknowledgements.append(sent.duration(to: instant()).milliseconds) }
            return true
        } catch {
            let reason = LoadFigures.Reason(error)
            state.withLock { state in
                state.pending[text] = nil
                state.figures.refused[reason.word, default: 0] += 1
            }
            return !reason.endsConnection
        }
    }

    // MARK: Reading

    private func read(_ client: Client) async {
        while let events = await client.nextEvents() {
            for event in events {
                switch event {
                case .said(let message) where !message.isOwn: delivered(message.text)
                case .notice(let text) where wireProtocol == .fastchat && text.hasPrefix(FastChatNotice.refusalPrefix):
                    state.withLock { $0.figures.refusalNotices += 1 }
                default: break
                }
            }
        }
    }

    private func delivered(_ text: String) {
        let now = instant()
        state.withLock { state in
            guard let sent = state.pending.removeValue(forKey: text) else { return }
            state.figures.deliveries.append(sent.duration(to: now).milliseconds)
        }
    }
}

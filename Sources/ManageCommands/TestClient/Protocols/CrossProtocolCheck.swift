// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Settings
import Synchronization
import TestClient

/// Lets throw-away people of several protocols write to each other, every pair in both directions, and notes what arrived.
struct CrossProtocolCheck {
    /// A throw-away person.
    struct Person: Sendable {
        var wireProtocol: WireProtocol
        /// Digits, so that FastChat's clients can write to them by it.
        var login: String
        var password: String

        /// Draws a login and a password.
        init(_ wireProtocol: WireProtocol, using random: inout some RandomNumberGenerator) {
            self.wireProtocol = wireProtocol
            login = "\(Int.random(in: 100_000_000...999_999_999, using: &random))"
            password = (0..<3).map { _ in String(UInt64.random(in: .min ... .max, using: &random), radix: 36) }
                .joined(separator: "-")
        }
    }

    let connector: ProtocolConnector
    let people: [Person]
    private(set) var steps: [SessionStep] = []
    /// Those whose accounts were made.
    private(set) var registered: [Person] = []
    /// Why nobody could be registered over a protocol.
    private(set) var registrationFailure: CommandError?

    init(connector: ProtocolConnector, people: [Person]) {
        self.connector = connector
        self.people = people
    }

    /// Does it; afterwards `steps` has one entry for each registration and each pair.
    mutating func run() async {
        var lines: [(person: Person, client: any ConversationClient, inbox: PairInbox)] = []
        for person in people {
            if let client = await register(person) { lines.append((person, client, PairInbox())) }
        }
        let connected = lines
        steps += await withTaskGroup(of: Void.self) { [connector] group in
            for line in connected {
                group.addTask { await line.inbox.collect(from: line.client) }
            }
            var steps: [SessionStep] = []
            for from in connected {
                for to in connected where to.person.login != from.person.login {
                    steps.append(
                        await Self.say(from.client, to: to.person, inbox: to.inbox, connector: connector))
                }
            }
            for line in connected { await line.client.close() }
            group.cancelAll()
            return steps
        }
        let isThere = { (person: Person) in connected.contains { $0.person.login == person.login } }
        for from in people {
            for to in people where to.login != from.login && !(isThere(from) && isThere(to)) {
                let missing = isThere(from) ? to : from
                var step = SessionStep(method: Self.name(from.wireProtocol, to), outcome: .skipped)
                step.detail = "There is no user of \(missing.wireProtocol.rawValue)."
                steps.append(step)
            }
        }
    }

    private mutating func register(_ person: Person) async -> (any ConversationClient)? {
        var step = SessionStep(method: "\(person.wireProtocol.rawValue) register", outcome: .failed)
        defer { steps.append(step) }
        let start = CommandContext.current.instant()
        do {
            let client = try await connector.connect(
                person.wireProtocol, login: person.login, password: person.password, isNew: true)
            step.duration = start.duration(to: CommandContext.current.instant())
            step.outcome = .passed
            registered.append(person)
            return client
        } catch {
            let failure = error as? CommandError ?? (error as? any CommandErrorConvertible)?.commandError
            step.detail = failure?.message ?? "The connection could not be made."
            if registrationFailure == nil { registrationFailure = failure }
            return nil
        }
    }

    private static func name(_ from: WireProtocol, _ to: Person) -> String {
        "\(from.rawValue) to \(to.wireProtocol.rawValue)"
    }

    private static func say(
        _ client: any ConversationClient, to person: Person, inbox: PairInbox, connector: ProtocolConnector
    ) async -> SessionStep {
        var step = SessionStep(method: name(client.wireProtocol, person), outcome: .failed)
        let text = "Hello from \(client.own) to \(person.login)"
        let start = CommandContext.current.instant()
        let address = connector.address(person.wireProtocol)
        // Not every protocol's client notices that nobody waits any more.
        let giveUp: @Sendable () async -> Void = { await client.close() }
        do {
            step.duration = try await answered(within: connector.connection.timeout, by: address, giveUp: giveUp) {
                let conversation = try await client.find(person.login)
                // It may arrive before the sender's own waiting is over.
                async let sending: Void = client.say(text, to: conversation)
                try await inbox.wait(for: text)
                let duration = start.duration(to: CommandContext.current.instant())
                try await sending
                return duration
            }
            step.outcome = .passed
        } catch ClientError.timedOut {
            step.detail = "The message did not arrive in time."
        } catch {
            let failure = error as? CommandError ?? (error as? any CommandErrorConvertible)?.commandError
            step.detail = failure?.message ?? "The message could not be sent."
        }
        return step
    }
}

/// What one person was told.
final class PairInbox: Sendable {
    private struct State {
        var texts: Set<String> = []
        var waiting: (text: String, continuation: CheckedContinuation<Bool, Never>)?
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Collects until the connection ends.
    func collect(from client: any ConversationClient) async {
        while let events = await client.nextEvents() {
            for case .said(let utterance) in events { arrived(utterance.text) }
        }
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.continuation.resume(returning: false)
    }

    private func arrived(_ text: String) {
        let continuation = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            state.texts.insert(text)
            guard state.waiting?.text == text else { return nil }
            defer { state.waiting = nil }
            return state.waiting?.continuation
        }
        continuation?.resume(returning: true)
    }

    /// Waits until a text has come; one waits at a time.
    ///
    /// - Throws: `CancellationError`; `ClientError.closed` when the connection has ended.
    func wait(for text: String) async throws {
        let hasCome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Bool? in
                    if state.texts.contains(text) { return true }
                    if state.isClosed || Task.isCancelled { return false }
                    state.waiting = (text, continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.continuation.resume(returning: false)
        }
        if hasCome { return }
        try Task.checkCancellation()
        throw ClientError.closed(.abnormal)
    }
}

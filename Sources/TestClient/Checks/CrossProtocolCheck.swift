// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A server that conversations are held on, over any of its protocols.
package protocol ConversationServer: Sendable {
    /// How long an answer may take.
    var timeout: Duration { get }

    /// The address of a protocol, for people.
    func address(_ wireProtocol: WireProtocol) -> String

    /// Connects and logs in; `isNew` registers the account first.
    func connect(
        _ wireProtocol: WireProtocol, login: String, password: String, isNew: Bool
    ) async throws -> any ConversationClient

    /// What an error of a client means, in a sentence; `nil` for one that is not known.
    func describe(_ error: any Error) -> String?
}

/// Lets throw-away people of several protocols write to each other, every pair in both directions, and notes what
/// arrived.
package struct CrossProtocolCheck: Sendable {
    /// A throw-away person.
    package struct Person: Sendable {
        package var wireProtocol: WireProtocol
        /// Digits, so that FastChat's clients can write to them by it.
        package var login: String
        package var password: String

        /// Draws a login and a password.
        package init(_ wireProtocol: WireProtocol, using random: inout some RandomNumberGenerator) {
            self.wireProtocol = wireProtocol
            login = "\(Int.random(in: 100_000_000...999_999_999, using: &random))"
            password = (0..<3).map { _ in String(UInt64.random(in: .min ... .max, using: &random), radix: 36) }
                .joined(separator: "-")
        }
    }

    private let server: any ConversationServer
    private let people: [Person]
    package private(set) var steps: [CheckStep] = []
    /// Those whose accounts were made.
    package private(set) var registered: [Person] = []
    /// Why the first person that could not be registered was refused.
    package private(set) var registrationFailure: (any Error)?

    package init(server: any ConversationServer, people: [Person]) {
        self.server = server
        self.people = people
    }

    /// Registers all and lets them write; afterwards `steps` has one entry for each registration and each pair.
    package mutating func run() async {
        var lines: [(person: Person, client: any ConversationClient, inbox: CheckInbox)] = []
        for person in people {
            if let client = await register(person) { lines.append((person, client, CheckInbox())) }
        }
        let connected = lines
        steps += await withTaskGroup(of: Void.self) { [server] group in
            for line in connected {
                group.addTask { await line.inbox.collect(from: line.client) }
            }
            var steps: [CheckStep] = []
            for from in connected {
                for to in connected where to.person.login != from.person.login {
                    steps.append(
                        await Self.say(from.client, to: to.person, inbox: to.inbox, server: server))
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
                var step = CheckStep(method: Self.name(from.wireProtocol, to), outcome: .skipped)
                step.detail = "There is no user of \(missing.wireProtocol.rawValue)."
                steps.append(step)
            }
        }
    }

    private mutating func register(_ person: Person) async -> (any ConversationClient)? {
        var step = CheckStep(method: "\(person.wireProtocol.rawValue) register", outcome: .failed)
        defer { steps.append(step) }
        let start = ContinuousClock.now
        do {
            let client = try await server.connect(
                person.wireProtocol, login: person.login, password: person.password, isNew: true)
            step.duration = start.duration(to: ContinuousClock.now)
            step.outcome = .passed
            registered.append(person)
            return client
        } catch {
            step.detail = server.describe(error) ?? "The connection could not be made."
            if registrationFailure == nil { registrationFailure = error }
            return nil
        }
    }

    private static func name(_ from: WireProtocol, _ to: Person) -> String {
        "\(from.rawValue) to \(to.wireProtocol.rawValue)"
    }

    private static func say(
        _ client: any ConversationClient, to person: Person, inbox: CheckInbox, server: any ConversationServer
    ) async -> CheckStep {
        var step = CheckStep(method: name(client.wireProtocol, person), outcome: .failed)
        let text = "Hello from \(client.own) to \(person.login)"
        let start = ContinuousClock.now
        let address = server.address(person.wireProtocol)
        // Not every protocol's client notices that its task was cancelled.
        let giveUp: @Sendable () async -> Void = { await client.close() }
        do {
            step.duration = try await answered(within: server.timeout, by: address, giveUp: giveUp) {
                let conversation = try await client.find(person.login)
                // It may arrive before the sender's own waiting is over.
                async let sending: Void = client.say(text, to: conversation)
                try await inbox.wait(for: text)
                let duration = start.duration(to: ContinuousClock.now)
                try await sending
                return duration
            }
            step.outcome = .passed
        } catch ClientError.timedOut {
            step.detail = "The message did not arrive in time."
        } catch {
            step.detail = server.describe(error) ?? "The message could not be sent."
        }
        return step
    }
}

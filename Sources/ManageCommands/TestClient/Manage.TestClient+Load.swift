// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import Settings
import TestClient

extension Manage.TestClient {
    /// `testclient load`: measures a server under a load of messages.
    struct Load: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let throw-away users write at a rate, and say how long it took.",
            discussion: """
                Registers as many users as there are --connections; each writes to the next
                one until the time is over, then all are deleted again, also after Ctrl-C.
                Prints how many messages were acknowledged and shown to their readers, how
                long both took, and what was refused, by the protocol's status. Messages of
                messenger and FastChat have no acknowledgement: it is the answer to a request
                sent after them, with messenger after the pause that ends a message.

                The server's limits of rates are in force: by default an account may write
                10 messages per second. A server of another machine is asked about first, or
                needs --yes. Users stay, with a warning, unless --address is one that the
                settings' server prints. Ends with 5 when a message was not acknowledged or
                not delivered or a user could not be deleted, with 69 when no server can be
                reached.

                Examples:
                  manage testclient load --duration 5
                  manage testclient load --protocol messenger --connections 20 --duration 10
                  manage testclient load --rate 200 --connections 50 --duration 10 --json
                """
        )

        /// The most connections: registering them takes the server a password hash each.
        private static let maximumConnections = 500
        private static let maximumRate = 10_000.0
        private static let maximumSeconds = 3600
        /// So many messages are remembered with their times.
        private static let maximumMessages = 5_000_000.0

        @Option(name: .customLong("protocol"), help: "The protocol to speak.")
        var wireProtocol = WireProtocol.mtp

        @Option(help: ArgumentHelp("How many users write, 2 to 500.", valueName: "count"))
        var connections = 10

        @Option(help: ArgumentHelp("Messages per second of all users together.", valueName: "number"))
        var rate = 20.0

        @Option(help: ArgumentHelp("For how long they write.", valueName: "seconds"))
        var duration = 30

        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup(title: "Connection Options") var connection: ConnectionOptions
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard 2...Self.maximumConnections ~= connections else {
                throw ValidationError("Please give --connections 2 to \(Self.maximumConnections).")
            }
            guard rate > 0.01, rate <= Self.maximumRate else {
                throw ValidationError("Please give --rate more than 0.01 and at most \(Int(Self.maximumRate)).")
            }
            guard 1...Self.maximumSeconds ~= duration else {
                throw ValidationError("Please give --duration 1 to \(Self.maximumSeconds) seconds.")
            }
            guard rate * Double(duration) <= Self.maximumMessages else {
                throw ValidationError("Please give a --rate and --duration of at most 5000000 messages.")
            }
        }

        func run() async throws {
            let settings = await connection.following(try loadSettings())
            let connector = ProtocolConnector(settings: settings, connection: connection, keys: nil)
            try connector.check(wireProtocol)
            if let address = connection.address, !Self.isHere(address) {
                try confirmation.require(
                    "Register \(connections) users at \(address) and send \(rate) messages per second there?")
            }
            let instant = CommandContext.current.instant
            let load = LoadRun(
                server: connector, over: wireProtocol,
                plan: LoadRun.Plan(connections: connections, rate: rate, duration: .seconds(duration)),
                instant: instant)
            // Whose users they are is asked now: at the end the server may be gone.
            let own = await connector.withoutAddress()
            let line = LoadLine(context: .current, isQuiet: output.isQuiet)
            do {
                try await Interruption.ending { try await load.run { line.show($0, $1) } }
            } catch {
                line.finish()
                _ = try await remove(load.registered, from: own)
                if error is CancellationError { throw ExitCode(CommandStatus.interrupted.rawValue) }
                throw error
            }
            line.finish()
            let isRemoved = try await remove(load.registered, from: own)
            let report = TestLoadReport(
                wireProtocol: wireProtocol, address: connector.address(wireProtocol), connections: connections,
                figures: load.figures)
            try output.write(report)
            if !report.isComplete || !isRemoved { throw ExitCode(CommandStatus.partlyFailed.rawValue) }
        }

        /// Whether an address is one of this machine.
        private static func isHere(_ address: String) -> Bool {
            let host = (try? ClientAddress(url: address, schemes: ["ws", "wss"]))?.host
            return (host ?? (try? StreamEndpoint(url: address))?.host).map(NetworkAddress.isLoopback) ?? false
        }

        /// - Returns: Whether nothing is left that was to be removed; what is left on another server is only told.
        private func remove(
            _ people: [CrossProtocolCheck.Person], from own: ProtocolConnector?
        ) async throws -> Bool {
            guard let own else {
                try warn(of: people.map(\.login), "stay, because the address is not that of the settings' server")
                return true
            }
            let left = await own.removeTraces(of: people)
            try warn(of: left.logins, "could not be removed")
            for flow in left.flows {
                try output.warn("The flow \(flow) was not removed. Remove it with 'manage flow delete \(flow)'.")
            }
            return left.logins.isEmpty && left.flows.isEmpty
        }

        private func warn(of logins: [String], _ what: String) throws {
            guard let first = logins.first else { return }
            try output.warn(
                "\(logins.count.counted("user")) \(what), such as \(first). Remove them with "
                    + "'manage user delete LOGIN': \(logins.joined(separator: " ")).")
        }
    }
}

/// What `testclient load` prints.
struct TestLoadReport: CommandReport {
    private enum CodingKeys: String, CodingKey {
        case wireProtocol = "protocol"
        case address, connections, seconds, sent, acknowledged, refused, delivered, late
        case perSecond = "acknowledged_per_second"
        case acknowledgement, delivery
    }

    var wireProtocol: WireProtocol
    var address: String
    var connections: Int
    var figures: LoadFigures

    /// Whether everything was acknowledged and shown to its reader.
    var isComplete: Bool { figures.refused.isEmpty && figures.deliveries.count == figures.acknowledgements.count }

    private var seconds: Double { figures.duration.milliseconds / 1000 }
    private var perSecond: Double { Double(figures.acknowledgements.count) / max(seconds, 0.001) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(wireProtocol, forKey: .wireProtocol)
        try container.encode(address, forKey: .address)
        try container.encode(connections, forKey: .connections)
        try container.encode(seconds.inHundredths, forKey: .seconds)
        try container.encode(figures.sent, forKey: .sent)
        try container.encode(figures.acknowledgements.count, forKey: .acknowledged)
        try container.encode(figures.refused, forKey: .refused)
        try container.encode(figures.deliveries.count, forKey: .delivered)
        try container.encode(figures.late, forKey: .late)
        try container.encode(perSecond.inHundredths, forKey: .perSecond)
        try container.encode(LoadLatency(figures.acknowledgements), forKey: .acknowledgement)
        try container.encode(LoadLatency(figures.deliveries), forKey: .delivery)
    }

    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Server", "\(address) (\(wireProtocol.rawValue), \(connections) connections)")
        fields.add("Sent", "\(figures.sent) in \(seconds.inHundredths) s")
        fields.add("Acknowledged", "\(figures.acknowledgements.count), \(perSecond.inHundredths) per second")
        fields.add("Delivered", "\(figures.deliveries.count)")
        if figures.late > 0 { fields.add("Not sent in time", "\(figures.late)") }
        for (reason, count) in figures.refused.sorted(by: { $0.key < $1.key }) {
            fields.add("Refused (\(reason))", "\(count)")
        }
        fields.add("Until acknowledged", Self.text(figures.acknowledgements))
        fields.add("Until delivered", Self.text(figures.deliveries))
        return fields.text(style: style)
    }

    private static func text(_ times: [Double]) -> String {
        guard let latency = LoadLatency(times) else { return "-" }
        return "p50 \(latency.p50.inHundredths) ms, p95 \(latency.p95.inHundredths) ms, "
            + "p99 \(latency.p99.inHundredths) ms, longest \(latency.maximum.inHundredths) ms"
    }
}

/// Shows on a terminal how a load goes, a line that is written anew; elsewhere nothing.
private struct LoadLine: Sendable {
    private let output: TextOutput
    private let isVisible: Bool

    init(context: CommandContext, isQuiet: Bool) {
        output = context.standardError
        isVisible = context.standardError.isTerminal && !isQuiet
    }

    func show(_ figures: LoadFigures, _ duration: Duration) {
        guard isVisible else { return }
        let seconds = max(duration.milliseconds / 1000, 0.001)
        let rate = (Double(figures.acknowledgements.count) / seconds).inHundredths
        let latency = LoadLatency(figures.acknowledgements).map {
            ", p50 \($0.p50.inHundredths) ms, p99 \($0.p99.inHundredths) ms"
        }
        let refused = figures.refused.values.reduce(0, +)
        write(
            "\r\u{1B}[K\(Int(seconds)) s: \(figures.acknowledgements.count) acknowledged, \(rate) per second"
                + "\(latency ?? "")\(refused > 0 ? ", \(refused) refused" : "")")
    }

    func finish() {
        if isVisible { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        // What shows the progress must not end the work.
        try? output.write(text)
    }
}

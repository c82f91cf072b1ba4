// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings
import TestClient

extension Manage.TestClient {
    /// `testclient session`: walks through every method.
    struct Session: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session",
            abstract: "Walk through a protocol, or let all of them talk to each other.",
            discussion: """
                With MTP: registers a throw-away user, makes a flow, writes, reads, edits
                and deletes a message, and deletes user and flow again. With --login an
                account that is there is used, and stays.

                With another protocol: two throw-away users write to each other. With all:
                one user of each protocol, and every pair in both directions. Users and
                chats are deleted again. Ends with 5 when a step failed.

                Examples:
                  manage testclient session
                  manage testclient session --protocol all
                  manage testclient session --json
                  manage testclient session --login alice --password-stdin < password.txt
                """
        )

        @Option(name: .customLong("protocol"), help: "The protocol to speak.")
        var choice = WireProtocolChoice.mtp

        @Option(
            name: .customLong("keys"),
            help: ArgumentHelp(
                "FastChat: use the keys in NAME_public.pem and NAME_private.pem, which are written when missing.",
                valueName: "name"))
        var keys: String?

        @Option(
            name: .customLong("login"),
            help: "Use this account in place of a throw-away one; needed where registration is closed.")
        var login: String?

        @OptionGroup(title: "Account Options") var password: PasswordOptions
        @OptionGroup(title: "Connection Options") var connection: ConnectionOptions
        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func validate() throws {
            if login == nil, password.isGiven { throw ValidationError("Please say with --login whose password it is.") }
            if login?.isEmpty == true { throw ValidationError("Please give --login a login.") }
            if login != nil, choice != .mtp {
                throw ValidationError(
                    "Please leave --login out: over other protocols than mtp the users are throw-away ones.")
            }
            if keys != nil, choice != .all, choice != .fastchat {
                throw ValidationError("Please give --keys only with --protocol fastchat or all.")
            }
            if choice == .all, connection.address != nil {
                throw ValidationError("Please name one --protocol beside -a: each has an address of its own.")
            }
        }

        func run() async throws {
            let loaded = await connection.following(try settings.load(output: output))
            if choice != .mtp { return try await walkPairs(loaded) }
            let walker = try walker()
            let walk = try await connection.connect(loaded) { server in
                var walk = ProtocolCheck(server: server, walker: walker)
                await walk.run()
                return walk
            }
            if let refusal = walk.registrationRefusal { throw explained(refusal) }
            if let flow = walk.flow { try await remove(flow, loaded) }
            let report = SessionReport(address: connection.url(loaded), steps: walk.steps)
            try output.write(report)
            if report.failed > 0 { throw ExitCode(CommandStatus.partlyFailed.rawValue) }
        }

        private func walkPairs(_ settings: Settings) async throws {
            let connector = ProtocolConnector(settings: settings, connection: connection, keys: keys)
            var random = SystemRandomNumberGenerator()
            let protocols = choice.one.map { [$0, $0] } ?? [.skaro, .messenger, .fastchat, .mtp]
            for name in protocols { try connector.check(name) }
            var walk = CrossProtocolCheck(connector: connector, people: protocols.map { .init($0, using: &random) })
            await walk.run()
            let left = await walk.removeTraces()
            for login in left.logins {
                try output.warn("The user \(login) stays behind. Remove it with 'manage user delete \(login)'.")
            }
            for flow in left.flows {
                try output.warn("The flow \(flow) stays behind. Remove it with 'manage flow delete \(flow)'.")
            }
            if walk.registered.isEmpty, let failure = walk.registrationFailure { throw failure }
            let report = PairReport(steps: walk.steps)
            try output.write(report)
            if report.failed > 0 { throw ExitCode(CommandStatus.partlyFailed.rawValue) }
        }

        private func walker() throws -> ProtocolCheck.Walker {
            if let login {
                return .known(
                    login: login, password: try password.password(prompt: "Password for \(login)", isNew: false))
            }
            func random() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
            return .throwAway(login: "testclient-\(random())", password: "\(random())-\(random())-\(random())")
        }

        private func explained(_ refusal: MTPRefusal) -> CommandError {
            guard refusal.code == 403 else {
                return CommandError(.failed, "No throw-away user could be registered. \(refusal.description)")
            }
            return CommandError(
                .refused, "Registration is closed on this server, so no throw-away user can be made.",
                nextStep: "Make an account with 'manage user create' and add --login LOGIN, or open registration with "
                    + "'manage config set REGISTRATION.MODE open'.")
        }

        /// The protocol has no method that deletes a flow; the server's own operation does it.
        private func remove(_ flow: String, _ settings: Settings) async throws {
            do {
                guard connection.isLocal(settings) else { throw CommandError(.failed, "") }
                _ = try await OperationRunner(settings: settings).run(DeleteFlow(uuid: flow))
            } catch {
                try output.warn("The flow \(flow) stays behind. Remove it with 'manage flow delete \(flow)'.")
            }
        }
    }
}

/// What `testclient session` prints.
struct SessionReport: CommandReport {
    private enum CodingKeys: String, CodingKey { case address, steps, failed }

    var address: String
    var steps: [SessionStep]

    /// How many steps failed.
    var failed: Int { steps.count { $0.outcome == .failed } }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(address, forKey: .address)
        try container.encode(steps, forKey: .steps)
        try container.encode(failed, forKey: .failed)
    }

    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["METHOD", "RESULT", "CODE", "MS", "REMARK"])
        for step in steps {
            table.add([
                step.method, step.outcome.rawValue, step.code.map { "\($0)" } ?? "-",
                step.duration?.inMilliseconds ?? "-", step.detail ?? "",
            ])
        }
        let sum = "\(steps.summary) at \(address.escapedForTerminal())."
        return table.text(style: style) + style.apply(failed == 0 ? .green : .red, to: sum) + "\n"
    }
}

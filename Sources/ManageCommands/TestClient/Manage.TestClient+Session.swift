// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import Operations
import Settings
import TestClient

extension Manage.TestClient {
    /// `testclient session`: tries every method.
    struct Session: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try every method of a protocol, or let all protocols talk to each other.",
            discussion: """
                With MTP: registers a throw-away user, makes a flow, writes, reads, edits
                and deletes a message, and deletes user and flow again. With --login an
                existing account is used, and stays.

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
        @OptionGroup var common: CommonOptions

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
            let loaded = await connection.following(try loadSettings())
            if choice != .mtp { return try await checkPairs(loaded) }
            let account = try account()
            let check = try await connection.connect(loaded) { server in
                var check = ProtocolCheck(server: server, account: account) {
                    CommandError(reporting: $0)?.message ?? "The connection failed."
                }
                await check.run()
                return check
            }
            if let refusal = check.registrationRefusal { throw explained(refusal) }
            if let flow = check.flow { try await remove(flow, loaded) }
            let report = SessionReport(address: connection.url(loaded), steps: check.steps)
            try output.write(report)
            if report.failed > 0 { throw ExitCode(CommandStatus.partlyFailed.rawValue) }
        }

        private func checkPairs(_ settings: Settings) async throws {
            let connector = ProtocolConnector(settings: settings, connection: connection, keys: keys)
            var random = SystemRandomNumberGenerator()
            let protocols = choice.one.map { [$0, $0] } ?? [.skaro, .messenger, .fastchat, .mtp]
            for name in protocols { try connector.check(name) }
            var check = CrossProtocolCheck(server: connector, people: protocols.map { .init($0, using: &random) })
            await check.run()
            let left =
                await connector.withoutAddress()?.removeTraces(of: check.registered)
                ?? (logins: check.registered.map(\.login), flows: [])
            for login in left.logins {
                try output.warn("The user \(login) was not removed. Remove it with 'manage user delete \(login)'.")
            }
            for flow in left.flows { try warn(ofFlow: flow) }
            if check.registered.isEmpty, let failure = check.registrationFailure { throw failure }
            let report = SessionReport(address: nil, steps: check.steps)
            try output.write(report)
            if report.failed > 0 { throw ExitCode(CommandStatus.partlyFailed.rawValue) }
        }

        private func warn(ofFlow flow: String) throws {
            try output.warn("The flow \(flow) was not removed. Remove it with 'manage flow delete \(flow)'.")
        }

        private func account() throws -> ProtocolCheck.Account {
            if let login {
                return .known(
                    login: login, password: try password.password(prompt: "Password for \(login)", isNew: false))
            }
            func random() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
            return .throwAway(login: "testclient-\(random())", password: "\(random())-\(random())-\(random())")
        }

        private func explained(_ refusal: MTPClientRefusal) -> CommandError {
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
                try warn(ofFlow: flow)
            }
        }
    }
}

/// What `testclient session` prints.
struct SessionReport: CommandReport {
    /// Where the server is; `nil` when the protocols have an address each.
    let address: String?
    let steps: [CheckStep]
    /// How many steps failed.
    let failed: Int

    init(address: String?, steps: [CheckStep]) {
        self.address = address
        self.steps = steps
        failed = steps.count { $0.outcome == .failed }
    }

    func text(style: TextStyle) -> String {
        let codes = address == nil ? [] : ["CODE"]
        var table = TableText(headings: [address == nil ? "STEP" : "METHOD", "RESULT"] + codes + ["MS", "REMARK"])
        for step in steps {
            let code = address == nil ? [] : [step.code.map { "\($0)" } ?? "-"]
            table.add(
                [step.method, step.outcome.rawValue] + code
                    + [step.duration?.inMilliseconds ?? "-", step.detail ?? ""])
        }
        let outcomes: [CheckStep.Outcome] = [.passed, .skipped, .failed]
        let sum = outcomes.map { outcome in "\(steps.count { $0.outcome == outcome }) \(outcome.rawValue)" }
            .joined(separator: ", ")
        let place = address.map { " at \($0.escapedForTerminal())" } ?? ""
        return table.text(style: style) + style.apply(failed == 0 ? .green : .red, to: "\(sum)\(place).") + "\n"
    }
}

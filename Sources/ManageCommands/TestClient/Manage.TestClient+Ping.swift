// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import MTP
import Settings
import TestClient

extension Manage.TestClient {
    /// `testclient ping`: measures how fast a server answers.
    struct Ping: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a ping_pong and print how long the answer took.",
            discussion: """
                Ends as 'testclient send' does. Nothing is stored but the login. Over another
                protocol it is the request that changes least. With -a and without an
                account it says whether a server answers there; ends with 69 otherwise.
                With --wait it asks again until one does.

                Examples:
                  manage testclient ping
                  manage testclient ping --json
                  manage testclient ping -a wss://chat.example.org/ws --wait 60
                  manage testclient ping --protocol messenger --login alice
                  manage testclient ping -a wss://chat.example.org/ws --login alice
                """
        )

        @Option(help: ArgumentHelp("For how long to ask again while no server answers.", valueName: "seconds"))
        var wait: Int?

        @OptionGroup(title: "Protocol Options") var speech: ProtocolOptions
        @OptionGroup(title: "Account Options") var account: AccountOptions
        @OptionGroup(title: "Connection Options") var connection: ConnectionOptions
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if let wait, !(1...3600).contains(wait) {
                throw ValidationError("Please give --wait 1 to 3600 seconds.")
            }
            if isReaching { return }
            if speech.wireProtocol != .mtp || speech.isNew, account.login == nil {
                throw ValidationError("Please name the account with --login.")
            }
        }

        func run() async throws {
            if let wait { try await waitForServer(.seconds(wait)) }
            let loaded = await connection.following(try loadSettings())
            if isReaching { return try await reach(loaded) }
            if speech.wireProtocol != .mtp || speech.isNew { return try await ping(loaded) }
            let proof = try account.proof(output: output)
            let answer = try await connection.connect(loaded) { server in
                try await server.asking(proof, loaded, connection, output: output) { principal in
                    try await server.answer(to: .pingPong(as: principal.credentials))
                }
            }
            guard let response = answer.response else { throw ServerConnection.noAnswer(connection.url(loaded)) }
            try output.write(
                PingReport(
                    address: connection.url(loaded), code: response.code, status: response.status,
                    detail: response.isSuccess ? nil : response.detail, duration: answer.duration))
            if answer.status != .done { throw ExitCode(answer.status.rawValue) }
        }

        /// Connects again and again until a server is there; never opens the store, which would keep the server out.
        private func waitForServer(_ longest: Duration) async throws {
            let instant = CommandContext.current.instant
            let start = instant()
            while true {
                do {
                    let settings = await connection.following(try loadSettings())
                    return try await speech.connector(settings, connection).reach(speech.wireProtocol)
                } catch let error as ClientError {
                    guard start.duration(to: instant()) < longest else { throw error }
                    try await Task.sleep(for: Self.pause)
                }
            }
        }

        /// Between two attempts to connect.
        private static let pause = Duration.milliseconds(200)

        /// Whether only the address is asked for.
        private var isReaching: Bool { connection.address != nil && !account.isGiven && !speech.isNew }

        private func reach(_ settings: Settings) async throws {
            let connector = speech.connector(settings, connection)
            let instant = CommandContext.current.instant
            let start = instant()
            do {
                try await connector.reach(speech.wireProtocol)
            } catch let error as ClientError {
                var failure = error.commandError
                if failure.status == .failed { failure.status = .unavailable }
                throw failure
            }
            try output.write(
                PingReport(
                    address: connector.address(speech.wireProtocol), duration: start.duration(to: instant())))
        }

        private func ping(_ settings: Settings) async throws {
            let connector = speech.connector(settings, connection)
            let instant = CommandContext.current.instant
            let duration = try await speech.connected(
                connector, login: account.login ?? "", password: account.password
            ) { client in
                let start = instant()
                try await client.ping()
                return start.duration(to: instant())
            }
            try output.write(
                PingReport(
                    address: connector.address(speech.wireProtocol), code: 200, status: "OK", duration: duration))
        }
    }
}

/// What `testclient ping` prints.
struct PingReport: CommandReport {
    private enum CodingKeys: String, CodingKey { case address, code, status, detail, milliseconds }

    var address: String
    /// The answer's code; `nil` when nothing but the connection was asked for.
    var code: Int?
    var status: String?
    var detail: String?
    var duration: Duration

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(address, forKey: .address)
        try container.encode(code, forKey: .code)
        try container.encode(status, forKey: .status)
        try container.encode(detail, forKey: .detail)
        try container.encode(duration.milliseconds, forKey: .milliseconds)
    }

    func text(style: TextStyle) -> String {
        guard let code else {
            let mark = style.apply(.green, to: "A server answers")
            return "\(mark) at \(address.escapedForTerminal()) after \(duration.inMilliseconds) ms.\n"
        }
        let mark = style.apply(code == 200 ? .green : .red, to: "\(code) \(status ?? "")".escapedForTerminal())
        let words = detail.map { ": \($0.escapedForTerminal())" } ?? ""
        return "\(mark) from \(address.escapedForTerminal()) after \(duration.inMilliseconds) ms\(words)\n"
    }
}

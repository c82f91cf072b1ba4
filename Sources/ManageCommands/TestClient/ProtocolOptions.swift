// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import Settings
import TestClient

/// Which protocol a command of `testclient` speaks, and what only some protocols need.
struct ProtocolOptions: ParsableArguments {
    @Option(name: .customLong("protocol"), help: "The protocol to speak.")
    var wireProtocol = WireProtocol.mtp

    @Option(
        name: .customLong("keys"),
        help: ArgumentHelp(
            "FastChat: use the keys in NAME_public.pem and NAME_private.pem. (default: none)", valueName: "name"))
    var keys: String?

    @Flag(name: .customLong("register"), help: "Make the account first; writes the --keys files that are missing.")
    var isNew = false

    func validate() throws {
        if keys != nil, wireProtocol != .fastchat {
            throw ValidationError("Please give --keys only with --protocol fastchat: no other has keys.")
        }
        if keys?.isEmpty == true { throw ValidationError("Please give --keys a name.") }
    }

    /// What connects with these options.
    func connector(_ settings: Settings, _ connection: ConnectionOptions) -> ProtocolConnector {
        ProtocolConnector(settings: settings, connection: connection, keys: keys)
    }

    /// Logs in over the protocol around `body`.
    func connected<Value: Sendable>(
        _ connector: ProtocolConnector, login: String, password: PasswordOptions,
        _ body: @escaping @Sendable (any ConversationClient) async throws -> Value
    ) async throws -> Value {
        try connector.check(wireProtocol)
        let secret = try password.password(prompt: "Password for \(login)", isNew: isNew)
        let client = try await connector.connect(wireProtocol, login: login, password: secret, isNew: isNew)
        let giveUp: @Sendable () async -> Void = { await client.close() }
        do {
            let address = connector.address(wireProtocol)
            let value = try await answered(within: connector.connection.timeout, by: address, giveUp: giveUp) {
                try await body(client)
            }
            await connector.close(client)
            return value
        } catch {
            await connector.close(client)
            throw error
        }
    }
}

/// What `testclient send` prints of a message to a person.
struct SayReport: CommandReport {
    private enum CodingKeys: String, CodingKey {
        case wireProtocol = "protocol"
        case address, to, milliseconds
    }

    var wireProtocol: WireProtocol
    var address: String
    var to: String
    var duration: Duration

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(wireProtocol, forKey: .wireProtocol)
        try container.encode(address, forKey: .address)
        try container.encode(to, forKey: .to)
        try container.encode(duration.milliseconds, forKey: .milliseconds)
    }

    func text(style: TextStyle) -> String {
        let name = to.escapedForTerminal()
        return style.apply(.green, to: "Sent") + " to \(name) over \(wireProtocol.rawValue) at "
            + "\(address.escapedForTerminal()) in \(duration.inMilliseconds) ms.\n"
    }
}

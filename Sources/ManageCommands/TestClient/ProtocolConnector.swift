// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import Operations
import Settings
import TestClient

/// Connects to a server over any of the protocols.
struct ProtocolConnector: ConversationServer {
    let settings: Settings
    let connection: ConnectionOptions
    /// Names the files with the keys for FastChat; without it throw-away keys are used.
    var keys: String?

    var timeout: Duration { connection.timeout }

    func describe(_ error: any Error) -> String? { CommandError(reporting: error)?.message }

    func address(_ wireProtocol: WireProtocol) -> String {
        if let address = connection.address { return address }
        switch wireProtocol {
        case .mtp: return ConnectionOptions.localURL(settings)
        case .skaro: return ConnectionOptions.localURL(settings, path: "/skaro")
        case .messenger: return messengerEndpoint.url
        case .fastchat: return settings.balancer.listen.map { balancerEndpoint($0).url } ?? fastChatEndpoint.url
        }
    }

    func connect(
        _ wireProtocol: WireProtocol, login: String, password: String, isNew: Bool
    ) async throws -> any ConversationClient {
        try check(wireProtocol)
        let options = connection.clientOptions(settings)
        let url = address(wireProtocol)
        let giveUp: @Sendable () async -> Void = {}
        return try await answered(within: connection.timeout, by: url, giveUp: giveUp) {
            switch wireProtocol {
            case .mtp:
                try await MTPConversations(url: url, options: options, login: login, password: password, isNew: isNew)
            case .skaro:
                try await SkaroConversations(url: url, options: options, login: login, password: password, isNew: isNew)
            case .messenger: try await messenger(options, login: login, password: password, isNew: isNew)
            case .fastchat: try await fastChat(options, login: login, password: password, isNew: isNew)
            }
        }
    }

    /// Finds a person, or with `#` a group; the server of the settings knows groups by their titles, rows and uuids.
    func find(_ name: String, by client: any ConversationClient) async throws -> Conversation {
        guard name.hasPrefix("#"), connection.isLocal(settings),
            let flow = try? await OperationRunner(settings: settings).run(ShowFlow(uuid: name)).flow
        else { return try await client.find(name) }
        let hasRows = client.wireProtocol.hasOwnPort
        var conversation = try await client.find("#\(hasRows ? "\(flow.row)" : flow.uuid)")
        if !flow.title.isEmpty { conversation.title = flow.title }
        return conversation
    }

    /// Closes a connection, and ends its session where the protocol leaves it open.
    func close(_ client: any ConversationClient) async {
        await client.close()
        if let client = client as? MTPConversations { await connection.logOut(client.credentials, settings) }
    }

    /// Refuses an address that the protocol cannot have, and a protocol that is switched off.
    func check(_ wireProtocol: WireProtocol) throws(CommandError) {
        if let address = connection.address {
            let isStream = address.hasPrefix("tcp://") || address.hasPrefix("tls://")
            guard isStream == wireProtocol.hasOwnPort else {
                let form = wireProtocol.hasOwnPort ? "tcp://HOST:PORT or tls://HOST:PORT" : "ws://HOST:PORT/PATH"
                throw CommandError(
                    .usage, "'\(address)' is no address for \(wireProtocol.rawValue).",
                    nextStep: "Write it like \(form).")
            }
            return
        }
        let (section, isOn, port) =
            switch wireProtocol {
            case .mtp: ("SERVER", true, settings.server.port)
            case .skaro: ("SKARO", settings.skaro.isEnabled, settings.server.port)
            case .messenger: ("MESSENGER", settings.messenger.isEnabled, settings.messenger.address.port)
            case .fastchat: ("FASTCHAT", settings.fastChat.isEnabled, settings.fastChat.address.port)
            }
        guard isOn else {
            throw CommandError(
                .unavailable, "The settings switch \(wireProtocol.rawValue) off.",
                nextStep: "Set \(section).ENABLED to on, or give another server's address with -a.")
        }
        guard port != 0 else {
            throw CommandError(
                .usage,
                "\(wireProtocol == .skaro ? "SERVER" : section).PORT is 0, so the settings do not say which port "
                    + "the server has.", nextStep: "Give its address with -a.")
        }
    }

    /// Connects without an account, and returns when a server answers in the protocol's way.
    func reach(_ wireProtocol: WireProtocol) async throws {
        try check(wireProtocol)
        let options = connection.clientOptions(settings)
        let url = address(wireProtocol)
        guard wireProtocol.hasOwnPort else {
            let socket = try await WebSocketClient.connect(url: url, options: options)
            await socket.abort()
            return
        }
        let endpoint = try StreamEndpoint(url: url)
        let socket = try await MessengerSocket.connect(
            host: endpoint.host, port: endpoint.port, isSecure: endpoint.isSecure, options: options)
        await socket.close()
    }

    // MARK: Messenger

    private var messengerEndpoint: StreamEndpoint {
        StreamEndpoint(settings.messenger.address, isSecure: settings.messenger.usesTLS)
    }

    private func messenger(
        _ options: ClientOptions, login: String, password: String, isNew: Bool
    ) async throws -> MessengerConversations {
        let endpoint = try connection.address.map { address throws(ClientError) in try StreamEndpoint(url: address) }
        let target = endpoint ?? messengerEndpoint
        return try await MessengerConversations(
            host: target.host, port: target.port, isSecure: target.isSecure, options: options, login: login,
            password: password, isNew: isNew)
    }

    // MARK: FastChat

    var fastChatEndpoint: StreamEndpoint {
        StreamEndpoint(settings.fastChat.address, isSecure: settings.fastChat.usesTLS)
    }

    private func balancerEndpoint(_ listen: NetworkAddress) -> StreamEndpoint {
        StreamEndpoint(listen, isSecure: false)
    }

    private func fastChat(
        _ options: ClientOptions, login: String, password: String, isNew: Bool
    ) async throws -> FastChatConversations {
        let key = try keyPair(makes: isNew)
        let (endpoint, sign) = try await assignment(options)
        return try await FastChatConversations(
            endpoint: endpoint, sign: sign, options: options, login: login, password: password, key: key, isNew: isNew)
    }

    /// The server that a balancer names; without one that of the settings, signed by the server itself.
    private func assignment(_ options: ClientOptions) async throws -> (StreamEndpoint, sign: String) {
        // What the server prints as its address of FastChat need not be a balancer's.
        if let own = await withoutAddress(), own.fastChatEndpoint.url == connection.address {
            return try await own.ownAssignment()
        }
        var balancer = try connection.address.map { address throws(ClientError) in try StreamEndpoint(url: address) }
        if balancer == nil { balancer = settings.balancer.listen.map(balancerEndpoint) }
        if let balancer {
            let assignment = try await FastChatClient.assignment(
                host: balancer.host, port: balancer.port, isSecure: balancer.isSecure, options: options)
            let isSecure = connection.address == nil ? settings.fastChat.usesTLS : balancer.isSecure
            return (StreamEndpoint(host: assignment.host, port: assignment.port, isSecure: isSecure), assignment.sign)
        }
        return try await ownAssignment()
    }

    private func ownAssignment() async throws -> (StreamEndpoint, sign: String) {
        let port = settings.fastChat.address.port
        guard let advertised = settings.fastChat.advertisedAddress(boundPort: port) else {
            throw CommandError(
                .settings, "The settings do not say at which address FastChat clients reach the server.",
                nextStep: "Set FASTCHAT.ADVERTISE to HOST:PORT.")
        }
        let report = try await OperationRunner(settings: settings).run(
            SignAssignment(host: advertised.host, port: advertised.port))
        return (fastChatEndpoint, report.sign)
    }

    /// The key pair in the files that were named; `makes` writes them when they are not there.
    private func keyPair(makes: Bool) throws -> RSAPrivateKey? {
        guard let keys else { return nil }
        let folder = CommandContext.current.currentFolder
        let path = keys.hasPrefix("/") ? keys : "\(folder)/\(keys)"
        let files = try KeyPairFiles(name: path)
        if let key = try files.privateKey() { return key }
        guard makes else {
            throw CommandError(
                .notFound, "There is no file '\(files.privatePath)'.",
                nextStep: "Name the files that were written at the registration.")
        }
        let key = try RSAPrivateKey()
        var random = SecureRandom()
        try files.write(key, using: &random)
        return key
    }
}

extension StreamEndpoint {
    /// Where a listener of this machine is reached.
    init(_ address: NetworkAddress, isSecure: Bool) {
        let host =
            NetworkAddress.isWildcard(address.host) ? (address.host.contains(":") ? "::1" : "127.0.0.1") : address.host
        self.init(host: host, port: address.port, isSecure: isSecure)
    }
}

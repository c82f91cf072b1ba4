// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Logging
import NIOCore
import ServiceLifecycle
import Storage
import Synchronization
import TestClient
import TestSupport
import Testing
import Transport

@testable import Messenger

/// A running domain with a messenger listener on a free port.
struct MessengerWorld: Sendable {
    let test: ChatUnderTest
    let service: MessengerService
    let registry: ConnectionRegistry
    let port: Int
    /// Begins a graceful stop of the listener.
    let stop: @Sendable () async -> Void

    var chat: Chat { test.chat }

    /// Options that cost no time where a test is not about time.
    static var quick: MessengerService.Options {
        var options = MessengerService.Options()
        options.gatherTime = .milliseconds(5)
        options.spacing = .milliseconds(1)
        return options
    }

    /// A policy that tells of coming and going at once.
    static var policy: ChatPolicy {
        var policy = ChatPolicy()
        policy.presence.merge = .milliseconds(1)
        return policy
    }

    /// Runs `body`, then stops the listener and waits for its end.
    static func with(
        _ options: MessengerService.Options = quick, policy: ChatPolicy = policy, inboundBytes: Int = 1 << 20,
        tls: TLSOptions? = nil, peers: PeerLimits = PeerLimits(),
        _ body: (MessengerWorld) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with(policy: policy) { test in
            let group = ClientOptions().group
            let registry = ConnectionRegistry(
                group: group, inboundBudget: InboundBudget(maximumBytes: inboundBytes), peers: peers)
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let service = MessengerService(chat: test.chat, options: options, registry: registry, logger: logger)
            let ports = Announced<Int>()
            let listener = try Listener(
                address: ListenerAddress(host: "127.0.0.1", port: 0), options: service.streamOptions,
                tls: try tls?.makeConfiguration(), registry: registry, group: group, drainTimeout: .seconds(5),
                logger: logger,
                makeSession: { service.makeSession($0) },
                onRunning: { ports.announce($0.localAddress?.port ?? 0) })
            try await withServices([listener], announced: ports) { port, stop in
                try await body(MessengerWorld(test: test, service: service, registry: registry, port: port, stop: stop))
            }
        }
    }

    /// A connection that nobody has logged in on.
    func connect() async throws -> MessengerClient {
        try await MessengerClient.connect(host: "127.0.0.1", port: port)
    }

    /// The same, for bytes.
    func socket() async throws -> MessengerSocket {
        try await MessengerSocket.connect(host: "127.0.0.1", port: port)
    }

    /// A connection on which an account logs in, which is made when there is none.
    func enter(_ login: String) async throws -> Device {
        if (try? await chat.person(login: login)) == nil { try await test.register(login) }
        let client = try await connect()
        try await client.logIn(login, password: ChatUnderTest.password)
        return Device(client: client)
    }

    /// The principal of a login here.
    func principal(_ device: Device) throws -> Principal {
        try #require(device.client.key.flatMap { service.keys.holder(of: $0) }).principal
    }

    /// Waits until the sessions of all connections that were closed have ended.
    func allLeft() async {
        await registry.allClosed()
    }

    /// How a group is written to.
    func recipient(of flow: Identifier, for principal: Principal) async throws -> String {
        "#\(try await chat.flow(flow, for: principal).id.rawValue)"
    }

    /// The messages of the one chat of two people.
    func texts(between principal: Principal, and login: String) async throws -> [String] {
        let flow = try await chat.directFlow(with: chat.person(login: login), by: principal)
        return try await test.texts(in: flow.uuid, for: principal)
    }
}

/// A client that is logged in, and what is pushed to it.
final class Device: Sendable {
    let client: MessengerClient
    private let presences = Mutex<[MessengerClient.Push]>([])
    private let arrivals: AsyncStream<MessengerClient.Push>

    init(client: MessengerClient) {
        self.client = client
        arrivals = client.pushes
    }

    /// The next push of any kind.
    func push() async -> MessengerClient.Push? {
        for await push in arrivals { return push }
        return nil
    }

    /// The next messages as `author: text`; who came and went is left out.
    func messages(_ count: Int) async -> [String] {
        var texts: [String] = []
        while texts.count < count, let push = await push() {
            if case .message(let sender, let text) = push { texts.append("\(sender): \(text)") }
        }
        return texts
    }

    /// The texts of the next messages together: a slow reader finds several in one read, and parts of them.
    func text(bytes: Int) async -> String {
        var text = ""
        while text.utf8.count < bytes, let push = await push() {
            if case .message(_, let part) = push { text += part }
        }
        return text
    }

    /// Sends messages and waits until they are durable.
    func send(_ texts: String..., to recipient: String) async throws {
        for text in texts { try await client.send(text, to: recipient) }
        try await settled()
    }

    /// Waits until everything that was sent has been done.
    func settled() async throws {
        _ = try await client.contacts()
    }
}

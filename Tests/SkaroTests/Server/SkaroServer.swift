// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Logging
import NIOCore
import Skaro
import Storage
import TestClient
import Testing
import Transport

/// The protocol over a fresh domain, on a free port.
struct SkaroServer: Sendable {
    let test: ChatUnderTest
    let url: String
    let registry: ConnectionRegistry

    var chat: Chat { test.chat }

    /// A policy under which skaro's clients can log in, and people are told of contacts without delay.
    static var policy: ChatPolicy {
        var policy = ChatPolicy()
        policy.sealer = Sealer(keys: [[UInt8](repeating: 7, count: Sealer.keyBytes)])
        policy.presence.merge = .milliseconds(1)
        policy.presence.changesPerMinute = 1000
        return policy
    }

    /// Serves while `body` runs.
    static func with(
        policy: ChatPolicy = Self.policy, options: SkaroService.Options = SkaroService.Options(),
        limits: ConnectionRegistry.WebSocketLimits = ConnectionRegistry.WebSocketLimits(),
        peers: PeerLimits = PeerLimits(),
        _ body: @Sendable (SkaroServer) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with(policy: policy) { test in
            try await serving(test, options, limits, peers, body)
        }
    }

    private static func serving(
        _ test: ChatUnderTest, _ options: SkaroService.Options, _ limits: ConnectionRegistry.WebSocketLimits,
        _ peers: PeerLimits, _ body: @Sendable (SkaroServer) async throws -> Void
    ) async throws {
        let group = ClientOptions().group
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let registry = ConnectionRegistry(group: group, limits: limits, peers: peers)
        let service = SkaroService(chat: test.chat, options: options, registry: registry, logger: logger)
        let (ports, portSource) = AsyncStream.makeStream(of: Int.self)
        let listener = try Listener(
            .http(webSockets: [service.route], registry: registry),
            address: ListenerAddress(host: "127.0.0.1", port: 0), registry: registry, group: group,
            drainTimeout: .seconds(10), logger: logger, responder: { _, _, _ in },
            onRunning: { portSource.yield($0.localAddress?.port ?? 0) })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { portSource.finish() }
                do { try await listener.run() } catch is CancellationError {}
            }
            if let port = await ports.first(where: { _ in true }) {
                let server = SkaroServer(
                    test: test, url: "ws://127.0.0.1:\(port)\(SkaroService.path)", registry: registry)
                do {
                    try await body(server)
                } catch {
                    tasks.cancelAll()
                    throw error
                }
            }
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
    }

    /// A connection that nobody has logged in on.
    func connect() async throws -> SkaroClient {
        try await SkaroClient.connect(url: url)
    }

    /// Makes an account and logs it in.
    func join(_ login: String) async throws -> SkaroPerson {
        try await test.register(login)
        return try await logIn(login)
    }

    /// Logs in once more.
    func logIn(_ login: String) async throws -> SkaroPerson {
        let client = try await connect()
        let session = try await client.authorize(login: login, password: ChatUnderTest.password)
        return SkaroPerson(login: login, client: client, session: session)
    }

    /// Goes on with a session on a new connection.
    func restore(_ person: SkaroPerson) async throws -> SkaroPerson {
        let client = try await connect()
        let session = try await client.restore(person.session)
        return SkaroPerson(login: person.login, client: client, session: session)
    }

    /// The account as another protocol would use it.
    func principal(_ login: String) async throws -> Principal {
        try await test.logIn(login).principal
    }
}

/// Somebody who is logged in, and what was pushed to them; for one task.
final class SkaroPerson {
    let login: String
    let client: SkaroClient
    let session: String
    private var pushes: AsyncStream<SkaroNews>.AsyncIterator

    init(login: String, client: SkaroClient, session: String) {
        self.login = login
        self.client = client
        self.session = session
        pushes = client.pushes.makeAsyncIterator()
    }

    struct Ended: Error {}
    struct Unexpected: Error {
        let news: SkaroNews
    }

    /// The next push.
    func next() async throws -> SkaroNews {
        guard let news = await pushes.next() else { throw Ended() }
        return news
    }

    /// The next push, which must be a message.
    func message() async throws -> SkaroMessage {
        let news = try await next()
        guard case .message(let message) = news else { throw Unexpected(news: news) }
        return message
    }

    /// The bodies of the next messages.
    func bodies(_ count: Int) async throws -> [String] {
        var bodies: [String] = []
        for _ in 0..<count { bodies.append(try await message().body) }
        return bodies
    }

    /// The next push, which must tell of a contact.
    func changed() async throws -> SkaroUser {
        let news = try await next()
        guard case .changed(let user) = news else { throw Unexpected(news: news) }
        return user
    }

    /// Sends a request that must succeed.
    func ask(_ call: SkaroCall) async throws -> SkaroAnswer {
        let answer = try await client.request(call)
        guard answer.isSuccess else { throw SkaroDenial(answer) }
        return answer
    }

    /// The status of a request that must be refused with a sentence.
    func refusal(_ call: SkaroCall) async throws -> Int {
        let answer = try await client.request(call)
        #expect(!answer.isSuccess)
        #expect(answer.info?.hasSuffix(".") == true)
        return answer.code
    }
}

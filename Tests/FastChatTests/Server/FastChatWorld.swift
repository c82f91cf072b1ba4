// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Logging
import NIOCore
import ServiceLifecycle
import Storage
import Synchronization
import TestClient
import TestSupport
import Testing
import Transport

@testable import FastChat

/// A running domain with a FastChat listener on a free port, and the balancer's key.
struct FastChatWorld: Sendable {
    let test: ChatUnderTest
    let service: FastChatService
    let registry: ConnectionRegistry
    let port: Int
    /// What the balancer would sign for the listener.
    let sign: String
    /// Begins a graceful stop of the listener.
    let stop: @Sendable () async -> Void

    var chat: Chat { test.chat }

    private static let balancer = Result { try RSAPrivateKey(newBits: 1024) }
    private static let sealer = Sealer(keys: [[UInt8](repeating: 7, count: Sealer.keyBytes)])

    /// Key pairs of clients, which may be the same for several.
    static let keys = Result { try (0..<4).map { _ in try RSAPrivateKey(newBits: 1024) } }

    /// Options that cost no time where a test is not about time.
    static var quick: FastChatService.Options {
        var options = FastChatService.Options()
        options.spacing = .milliseconds(1)
        return options
    }

    /// Runs `body`, then stops the listener and waits for its end.
    static func with(
        _ options: FastChatService.Options = quick, policy: ChatPolicy = ChatPolicy(), knowsAddress: Bool = true,
        inboundBytes: Int = 8 << 20, peers: PeerLimits = PeerLimits(), _ body: (FastChatWorld) async throws -> Void
    ) async throws {
        var policy = policy
        let sealer: Sealer = try #require(sealer)
        policy.sealer = sealer
        // A file: a read that is under way when the store is closed is refused there, whereas memory is gone.
        try await ChatUnderTest.with(.sqliteFile, policy: policy) { test in
            let balancer = try balancer.get()
            try await store(balancer, in: test)
            let group = ClientOptions().group
            let registry = ConnectionRegistry(
                group: group, inboundBudget: InboundBudget(maximumBytes: inboundBytes), peers: peers)
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let place = Place()
            var options = options
            options.address = { place.port.map { ("127.0.0.1", $0) } }
            let service = FastChatService(chat: test.chat, options: options, registry: registry, logger: logger)
            let ports = Announced<Int>()
            let listener = try Listener(
                address: ListenerAddress(host: "127.0.0.1", port: 0), options: service.streamOptions,
                registry: registry, group: group, drainTimeout: .seconds(5), logger: logger,
                makeSession: { service.makeSession($0) },
                onRunning: { ports.announce($0.localAddress?.port ?? 0) })
            try await withServices([listener], announced: ports) { port, stop in
                if knowsAddress { place.port = port }
                let sign = try balancer.signature(of: FastChatAssignment.signedText(host: "127.0.0.1", port: port))
                try await body(
                    FastChatWorld(
                        test: test, service: service, registry: registry, port: port, sign: sign, stop: stop))
            }
        }
    }

    private final class Place: Sendable {
        private let known = Mutex<Int?>(nil)
        var port: Int? {
            get { known.withLock { $0 } }
            set { known.withLock { $0 = newValue } }
        }
    }

    /// Puts a key that was drawn before into the store, as drawing one for each test would take long.
    private static func store(_ key: RSAPrivateKey, in test: ChatUnderTest) async throws {
        var random = SecureRandom()
        let name = FastChatBalancer.keyName
        let sealed = try #require(sealer).seal(
            Array(key.pem.utf8), associatedData: Array("server \(name)".utf8), using: &random)
        _ = try await test.storage.putServerKey(
            SealedKeyPair(publicKey: key.publicKey.pem, sealedPrivateKey: sealed), name: name)
    }

    /// Gives somebody a held key that was drawn before.
    func hold(_ key: RSAPrivateKey, for login: String) async throws {
        var random = SecureRandom()
        let person = try await chat.person(login: login)
        let sealed = try #require(Self.sealer).seal(
            Array(key.pem.utf8), associatedData: Array("fastchat \(person.uuid)".utf8), using: &random)
        _ = try await test.storage.putBridgeKey(
            SealedKeyPair(publicKey: key.publicKey.pem, sealedPrivateKey: sealed), of: person.id, kind: "fastchat")
    }

    /// A connection that nobody has logged in on.
    func connect() async throws -> FastChatClient {
        try await FastChatClient.connect(host: "127.0.0.1", port: port)
    }

    /// The same, for bytes.
    func socket() async throws -> MessengerSocket {
        try await MessengerSocket.connect(host: "127.0.0.1", port: port)
    }

    /// A connection on which a user registers.
    func register(_ number: Int64) async throws -> Member {
        let client = try await connect()
        let key = try Self.keys.get()[Int(number % 4)]
        try await client.register(
            FastChatUserNumber(number), password: ChatUnderTest.password, key: key, sign: sign)
        return Member(client: client)
    }

    /// A connection on which an account logs in.
    func logIn(_ number: Int64) async throws -> Member {
        let client = try await connect()
        let key = number < 1_000_000_000 ? try Self.keys.get()[Int(number % 4)] : nil
        try await client.logIn(FastChatUserNumber(number), password: ChatUnderTest.password, key: key, sign: sign)
        return Member(client: client)
    }

    /// An account that uses another protocol, with a held key that was drawn before.
    func registerElsewhere(_ login: String) async throws -> (principal: Principal, number: Int64) {
        let principal = try await test.register(login).principal
        try await hold(Self.keys.get()[0], for: login)
        return (principal, try await chat.person(login: login).publicNumber)
    }

    /// The most that waits for one of the connections, in bytes.
    func heldBytes() async -> Int {
        let sizes = await registry.answers(of: FastChatSession.self) { session in
            session.outbox.bufferedBytes + (session.connection?.bufferedBytes ?? 0)
        }
        return sizes.max() ?? 0
    }

    /// Waits until everything that a client sent is durable.
    func settle(_ member: Member) async throws {
        // Requests are done in order, writes are committed in order.
        _ = try await member.client.key(of: FastChatUserNumber(999_999_998))
        try await test.register("settled \(chat.newIdentifier())")
    }

    /// The one chat of an account with a user.
    func direct(_ principal: Principal, with number: Int64) async throws -> FlowAccess {
        try await chat.directFlow(with: chat.person(publicNumber: number), by: principal)
    }

    /// Who a user is for the domain, by a login of its own.
    func principal(_ number: Int64) async throws -> Principal {
        try await test.logIn(chat.person(publicNumber: number).login).principal
    }

    /// The newest messages of a flow, as everybody reads them; waits until there are so many.
    func texts(_ count: Int, in flow: FlowAccess, for principal: Principal) async throws -> [String] {
        try await contents(count, in: flow, for: principal).map(\.readableText)
    }

    func contents(_ count: Int, in flow: FlowAccess, for principal: Principal) async throws -> [MessageContent] {
        let watcher = Watcher()
        chat.hub.attach(watcher, principal: principal, wantsNews: true)
        defer { chat.hub.detach(watcher) }
        while true {
            let messages = try await test.messages(in: flow.uuid, for: principal)
            if messages.count >= count { return messages.map(\.content) }
            _ = await watcher.news.first { _ in true }
        }
    }
}

/// Waits for something to happen in the log.
private final class Watcher: LiveConnection {
    let news: AsyncStream<Void>
    let address: DeliveryAddress
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        let (news, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.news = news
        self.continuation = continuation
        address = NewsSink.address { continuation.yield() }
    }

    func sessionRevoked(_ session: SessionID) { continuation.finish() }
}

/// A client that is logged in, and what it is told.
final class Member: Sendable {
    let client: FastChatClient

    init(client: FastChatClient) {
        self.client = client
    }

    /// The next event; `nil` at the end of the connection.
    func event() async -> FastChatEvent? {
        for await event in client.events { return event }
        return nil
    }

    /// The next messages as `author: text` or `author@group: text`; notices are left out.
    func messages(_ count: Int) async -> [String] {
        var texts: [String] = []
        while texts.count < count, let event = await event() {
            guard case .message(let message) = event else { continue }
            let place = message.group.map { "@\($0.rawValue)" } ?? ""
            texts.append("\(message.sender.rawValue)\(place): \(message.text ?? "(closed)")")
        }
        return texts
    }

    /// The next notices; messages are left out.
    func notices(_ count: Int) async -> [String] {
        var texts: [String] = []
        while texts.count < count, let event = await event() {
            if case .notice(let notice) = event { texts.append(notice.text) }
        }
        return texts
    }
}

extension FastChatUserNumber: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) {
        self.init(value)
    }
}

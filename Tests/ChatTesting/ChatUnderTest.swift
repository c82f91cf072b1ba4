// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Credentials
import Logging
package import Storage
import Synchronization
package import TestSupport

extension StorageKind {
    /// One kind for each engine that can be tested here.
    package static let engines: [StorageKind] = available.filter { $0 != .sqliteFile }
}

/// A running domain over a fresh store, its clocks, and its engine to be held up.
package struct ChatUnderTest: Sendable {
    package let chat: Chat
    package let engine: HeldEngine
    /// The wall clock, which the log follows.
    package let wallClock: StorageClock
    /// The clock of the slow-down of failed logins.
    package let clock: ManualClock
    /// The same store without `engine` in between, as another process would use it.
    package let direct: Storage
    private let store: StorageUnderTest
    private let hasher: PasswordHasher

    private static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Runs `body` on a fresh domain, then closes it and removes its store, whatever happens.
    ///
    /// Its writer works unless `running` says no; then nothing is committed until the test calls `chat.run()`. With
    /// `hearsHints` off it is as if the connection for other servers' hints were cut.
    package static func with(
        _ kind: StorageKind = .sqliteMemory, policy: ChatPolicy = ChatPolicy(), limits: BatchWriter.Limits = .init(),
        running: Bool = true, hearsHints: Bool = true, waitingHashes: Int = 4096,
        _ body: (ChatUnderTest) async throws -> Void
    ) async throws {
        try await StorageUnderTest.with(kind) { store in
            // The cheapest hashes there are, and room for all who wait for one.
            let hasher = try PasswordHasher(.init(memoryBytes: 8192, iterations: 1, maximumWaiting: waitingHashes))
            let engine = HeldEngine(store.storage.engine, hearsHints: hearsHints)
            let clock = ManualClock()
            let chat = Chat(
                storage: store.storage(over: engine, clock: ContinuousClock()), hasher: hasher, policy: policy,
                writerLimits: limits, instant: { clock.now }, logger: silent)
            let test = ChatUnderTest(
                chat: chat, engine: engine, wallClock: store.clock, clock: clock, direct: store.storage,
                store: store, hasher: hasher)
            try await withThrowingTaskGroup(of: Void.self) { group in
                if running { group.addTask { await chat.run() } }
                defer {
                    engine.release()
                    chat.close()
                }
                try await body(test)
            }
        }
    }

    /// The store that everything is in.
    package var storage: Storage { chat.storage }

    /// A second domain on the same store with another policy, as after a new start with other settings.
    package func withAnother(
        policy: ChatPolicy, _ body: (Chat) async throws -> Void
    ) async throws {
        try await running(another(policy: policy), body)
    }

    /// The same, which does not run yet.
    package func another(policy: ChatPolicy, on storage: Storage? = nil) -> Chat {
        Chat(
            storage: storage ?? self.storage, hasher: hasher, policy: policy, instant: { [clock] in clock.now },
            logger: Self.silent)
    }

    /// Runs `body` while a domain works, then closes it and waits for its end.
    package func running(_ chat: Chat, _ body: (Chat) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await chat.run() }
            defer { chat.close() }
            try await body(chat)
        }
    }

    /// A second domain on a second connection to the same store, as another server of the cluster has it; `running`
    /// runs it.
    package func withOtherServer(policy: ChatPolicy, _ body: (Chat) async throws -> Void) async throws {
        try await store.withAnother { storage in
            try await body(another(policy: policy, on: storage))
        }
    }

    /// Where requests of the tests come from.
    package static let origin = Origin(protocol: "test", address: "192.0.2.1")

    /// The password of every account that `register` makes.
    package static let password = "correct horse battery staple"

    /// Registers an account.
    @discardableResult
    package func register(_ login: String, email: String? = nil) async throws -> NewLogIn {
        try await chat.register(
            login: login, password: Password(Self.password), username: nil, email: email, from: Self.origin)
    }

    /// Registers some accounts.
    package func registerAll(_ logins: String...) async throws -> [Principal] {
        var principals: [Principal] = []
        for login in logins { principals.append(try await register(login).principal) }
        return principals
    }

    /// Logs in with a password, by default the right one.
    @discardableResult
    package func logIn(
        _ login: String, password: String = ChatUnderTest.password, address: String = "192.0.2.1"
    ) async throws -> NewLogIn {
        try await chat.logIn(
            login: login, password: Password(password), from: Origin(protocol: "test", address: address))
    }

    /// Makes a flow and answers with its uuid; without `members` a public one.
    package func createFlow(
        _ kind: FlowRecord.Kind = .group, members: [Principal] = [], by owner: Principal
    ) async throws -> Identifier {
        try await chat.createFlow(kind, title: "title", info: "info", members: members.map(\.uuid), by: owner)
            .record.uuid
    }

    /// Sends a text and waits until it is durable.
    @discardableResult
    package func send(_ text: String, to flow: Identifier, by principal: Principal) async throws -> Sent {
        try await send(MessageContent(text: text), to: flow, by: principal)
    }

    /// Sends a message and waits until it is durable.
    @discardableResult
    package func send(_ content: MessageContent, to flow: Identifier, by principal: Principal) async throws -> Sent {
        let pending = try await chat.submit(content, to: flow, by: principal)
        return Sent(uuid: pending.uuid, receipt: try await chat.receipt(of: pending))
    }

    /// The first messages of a flow.
    package func messages(in flow: Identifier, limit: Int = 100, for principal: Principal) async throws -> [Message] {
        try await chat.messages(in: flow, since: Timestamp(seconds: 0), limit: limit, for: principal).messages
    }

    /// The texts of a flow.
    package func texts(in flow: Identifier, for principal: Principal) async throws -> [String] {
        try await messages(in: flow, for: principal).map(\.content.text)
    }
}

/// A message that is in the log.
package struct Sent: Sendable {
    package var uuid: Identifier
    package var receipt: Receipt<Write.SendMessage.Result>

    package init(uuid: Identifier, receipt: Receipt<Write.SendMessage.Result>) {
        self.uuid = uuid
        self.receipt = receipt
    }
}

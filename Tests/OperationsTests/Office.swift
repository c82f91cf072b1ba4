// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Logging
import Operations
import Storage
import StorageSQLite
import Synchronization
import Testing

/// A running domain on an empty SQLite database in memory, for administrators to work in.
struct Office: Sendable {
    static let time = Timestamp(milliseconds: 1_769_904_000_250)

    let chat: Chat
    let context: OperationContext
    private let steps: Steps

    private final class Steps: Sendable {
        let list = Mutex<[OperationProgress]>([])
    }

    /// What the operations told of their progress.
    var progress: [OperationProgress] { steps.list.withLock { $0 } }

    /// Runs `body` in an office, with the tables made unless `hasTables` says no.
    static func open(
        hasTables: Bool = true, limits: BatchWriter.Limits = .init(), sealer: Sealer? = nil,
        registration: ChatPolicy.Registration = .open,
        logger: Logger = Logger(label: "office") { _ in SwiftLogNoOpLogHandler() },
        _ body: (Office) async throws -> Void
    ) async throws {
        let storage = Storage(engine: try SQLiteEngine(.memory, create: true), now: { time })
        if hasTables { _ = try await storage.migrate() }
        let hasher = try PasswordHasher(.init(memoryBytes: 8192, iterations: 1))
        var policy = ChatPolicy()
        policy.sealer = sealer
        policy.registration = registration
        let chat = Chat(
            storage: storage, hasher: hasher, policy: policy, writerLimits: limits, logger: logger)
        let steps = Steps()
        let context = OperationContext(chat: chat) { step in steps.list.withLock { $0.append(step) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await chat.run() }
            defer { chat.close() }
            try await body(Office(chat: chat, context: context, steps: steps))
        }
        await storage.close()
    }

    func run<Operation: AdminOperation>(_ operation: Operation) async throws -> Operation.Report {
        try await operation.run(on: context)
    }

    /// Runs what is to be refused.
    func refusal(
        of operation: some AdminOperation, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> OperationError {
        let error = await #expect(throws: OperationError.self, sourceLocation: sourceLocation) {
            try await operation.run(on: context)
        }
        return try #require(error, sourceLocation: sourceLocation)
    }

    @discardableResult
    func user(_ login: String, password: String = "secret word") async throws -> UserReport {
        try await run(CreateUser(login: login, username: login.uppercased(), password: SecretText(password)))
    }

    /// An account from before its login was reserved.
    func oldAccount(_ login: String) async throws {
        let user = try await chat.newUser(login: Login(login), password: Password("secret word"))
        _ = try await chat.write(Write.CreateUser(user), by: nil)
    }

    func logIn(_ login: String, password: String = "secret word") async throws -> NewLogIn {
        try await chat.logIn(login: login, password: Password(password), from: Origin(protocol: "mtp", address: "::1"))
    }

    /// Writes a message and waits until it is in the log.
    func say(_ text: String, in flow: Identifier, as principal: Principal) async throws {
        _ = try await chat.receipt(of: chat.submit(MessageContent(text: text), to: flow, by: principal))
    }

    /// The texts of all messages by the order of the log, with their senders.
    func messages() async throws -> [(text: String, sender: Identifier)] {
        try await chat.storage.messages(limit: 10_000).messages.map {
            let message = Message($0)
            return (message.content.text, message.sender)
        }
    }
}

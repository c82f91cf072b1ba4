// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Glibc
import Logging
import Operations
import ParleyServer
import Settings
import Storage
import Transport

/// Runs operations where they belong: on the running server through its admin socket, or on the store when none runs;
/// on another machine's server through its HTTP API.
struct OperationRunner: Sendable {
    private enum Place {
        case machine(Settings)
        case remote(RemoteServer)
    }

    private let place: Place

    init(settings: Settings) {
        place = .machine(settings)
    }

    init(server: RemoteServer) {
        place = .remote(server)
    }

    /// The settings of this machine; `nil` when the operations are run on another one.
    var settings: Settings? {
        if case .machine(let settings) = place { settings } else { nil }
    }

    /// Whether the operations are run on another machine.
    var isRemote: Bool { settings == nil }

    func run<Operation: AdminOperation>(
        _ operation: Operation, progress: @escaping @Sendable (OperationProgress) async -> Void = { _ in }
    ) async throws -> Operation.Report {
        try await withCaller(needsCurrentSchema: Operation.needsCurrentSchema) { caller in
            try await caller.run(operation, progress: progress)
        }
    }

    /// Runs several operations, one after the other, on one connection or one opened store.
    ///
    /// With SQLite the lock of the file decides which: a socket alone could be that of a server with other settings.
    func withCaller<Value: Sendable>(
        needsCurrentSchema: Bool = true, _ body: @escaping @Sendable (OperationCaller) async throws -> Value
    ) async throws -> Value {
        let settings: Settings
        switch place {
        case .machine(let own): settings = own
        case .remote(let server): return try await body(OperationCaller(remote: server))
        }
        let logger = StandardErrorLogHandler.logger(.current, for: settings)
        if case .sqlite = settings.database.location {
            switch await opened(settings, logger: logger) {
            case .success(let store):
                return try await run(
                    on: store, settings, needsCurrentSchema: needsCurrentSchema, logger: logger, body)
            case .failure(let error):
                if error.status == .busy, let value = try await withServer(body) { return value }
                throw error
            }
        }
        if let value = try await withServer(body) { return value }
        let store = try await opened(settings, logger: logger).get()
        return try await run(
            on: store, settings, needsCurrentSchema: needsCurrentSchema, logger: logger, body)
    }

    private func opened(_ settings: Settings, logger: Logger) async -> Result<Store, CommandError> {
        do {
            return .success(try await StoreAccess(settings: settings).open(logger: logger))
        } catch {
            return .failure(error)
        }
    }

    /// Runs `body` on the store, which is closed afterwards.
    private func run<Value: Sendable>(
        on store: Store, _ settings: Settings, needsCurrentSchema: Bool, logger: Logger,
        _ body: @escaping @Sendable (OperationCaller) async throws -> Value
    ) async throws -> Value {
        do {
            if needsCurrentSchema { try await store.storage.checkSchema() }
            // What only reads makes no key file.
            let chat = try store.makeChat(settings, makesKeyFile: needsCurrentSchema, logger: logger)
            let value = try await withThrowingTaskGroup(of: Void.self) { group in
                // Only a schema of this program can be written to, and followed.
                if needsCurrentSchema { group.addTask { await chat.run() } }
                defer { chat.close() }
                return try await body(OperationCaller(chat: chat))
            }
            await store.close()
            return value
        } catch {
            await store.close()
            throw error
        }
    }

    /// Runs `body` on the server, of this machine through its admin socket; `nil` when there is none.
    func withServer<Value: Sendable>(
        _ body: @escaping @Sendable (OperationCaller) async throws -> Value
    ) async throws -> Value? {
        let settings: Settings
        switch place {
        case .machine(let own): settings = own
        case .remote(let server): return try await body(OperationCaller(remote: server))
        }
        do {
            return try await AdminSocketClient.connect(path: settings.admin.socket) { client in
                try await body(OperationCaller(client: client))
            }
        } catch let error as AdminSocketError where error.code == .notRunning || error.code == .pathTooLong {
            return nil
        }
    }
}

/// One connection to a server, or one opened store, on which operations run one after the other.
final class OperationCaller {
    private enum Place {
        case server(AdminSocketClient)
        case remote(RemoteServer)
        case store(Chat)
    }

    /// Whether operations run on a server, not on a store that this process opened.
    var isServer: Bool {
        if case .store = place { false } else { true }
    }
    /// Whether the server has been reached: for its admin socket from the beginning.
    private(set) var hasAnswered: Bool

    private let place: Place
    private var replies: AdminSocketClient.Replies.AsyncIterator?

    fileprivate init(client: AdminSocketClient) {
        place = .server(client)
        replies = client.replies.makeAsyncIterator()
        hasAnswered = true
    }

    fileprivate init(remote: RemoteServer) {
        place = .remote(remote)
        hasAnswered = false
    }

    fileprivate init(chat: Chat) {
        place = .store(chat)
        hasAnswered = true
    }

    /// Runs an operation.
    ///
    /// - Throws: `OperationError`, `AdminSocketError`, `CommandError`.
    func run<Operation: AdminOperation>(
        _ operation: Operation, progress: @escaping @Sendable (OperationProgress) async -> Void = { _ in }
    ) async throws -> Operation.Report {
        switch place {
        case .store(let chat):
            let actor = OperationActor.systemUser(getuid(), through: .cli)
            do throws(OperationError) {
                return try await operation.perform(on: OperationContext(chat: chat, actor: actor, progress: progress))
            } catch {
                throw error.withoutLog
            }
        case .remote(let server):
            let report = try await server.run(operation, progress: progress)
            hasAnswered = true
            return report
        case .server(let client):
            try await client.send(try OperationRequest(operation).encoded())
            while let line = try await replies?.next() {
                guard let reply = try? OperationReply<Operation.Report>(line) else {
                    throw CommandError(
                        .failed, "The server's answer cannot be read.",
                        nextStep: "Use the 'manage' of the same version as the server.")
                }
                switch reply {
                case .progress(let step): await progress(step)
                case .result(let report): return report
                case .failure(let error): throw error
                }
            }
            throw CommandError(
                .unavailable, "The server closed the connection before it had answered.",
                nextStep: "See its log for details, then try again.")
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import NIOCore
import NIOPosix
import ParleyServer
import Settings
import Storage
import StorageSQLite
import Transport

@testable import ManageCommands

/// What of a server matters to commands: the store under its lock, the domain, and the admin socket.
enum RunningServer {
    /// Runs one in a test's folder, after its settings, around `body`.
    static func during(_ run: CommandRun, _ body: (Chat) async throws -> Void) async throws {
        let logger = Logger(label: "server") { _ in SwiftLogNoOpLogHandler() }
        let settings = try Settings.load(
            file: nil, environment: [:], overrides: [:], currentFolder: run.folder)
        let store = try await Store.open(settings, create: true, logger: logger)
        _ = try await store.storage.migrate()
        let chat = try store.makeChat(settings, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await chat.run() }
            defer { chat.close() }
            try await serve(at: settings.admin.socket, AdminHandler.handler(chat: chat, logger: logger)) {
                try await body(chat)
            }
        }
        await store.close()
    }

    /// Runs an admin socket with a handler of the test's own around `body`, while the database is locked.
    static func answering(
        in run: CommandRun, _ handler: @escaping AdminRequestHandler, _ body: () async throws -> Void
    ) async throws {
        let settings = try Settings.load(
            file: nil, environment: [:], overrides: [:], currentFolder: run.folder)
        let lock = try DatabaseLock(databasePath: run.path("db_sqlite.db"))
        try await serve(at: settings.admin.socket, handler, body)
        withExtendedLifetime(lock) {}
    }

    private static func serve(
        at path: String, _ handler: @escaping AdminRequestHandler, _ body: () async throws -> Void
    ) async throws {
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let server = try AdminSocketServer(
            path: path, removesStaleSocket: true, group: MultiThreadedEventLoopGroup.singleton,
            drainTimeout: .seconds(1), logger: Logger(label: "socket") { _ in SwiftLogNoOpLogHandler() },
            onRunning: { started.yield() }, handler: handler)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { started.finish() }
                try await server.run()
            }
            for await _ in starts { break }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            // How the cancelled server ends is not what is tested.
            while let ended = await group.nextResult() { _ = ended }
            try result.get()
        }
    }
}

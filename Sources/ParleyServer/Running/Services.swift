// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import ServiceLifecycle
import Storage
import Synchronization

/// Runs the domain: the writer of batches.
///
/// When asked to stop it commits what waits, as far as the database answers. Fails when the store is in doubt.
struct ChatService: Service {
    let chat: Chat
    let logger: Logger

    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            await chat.run()
        } onCancelOrGracefulShutdown: {
            chat.close()
            chat.storage.beginClosing()
        }
        guard let doubt = chat.storageDoubt else { return }
        logger.critical("The database is in doubt; ending", metadata: ["error": "\(String(reflecting: doubt))"])
        throw doubt
    }
}

/// Several listeners as one service: they stop at the same time, not one after the other.
struct ListenerGroup: Service {
    let listeners: [any Service]

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for listener in listeners {
                group.addTask { try await listener.run() }
            }
            // The first error ends the others, too.
            for try await () in group {}
        }
    }
}

/// Whether the server has begun to stop, and who wants to know.
final class Ending: Sendable {
    private struct State {
        var hasBegun = false
        var action: (@Sendable () async -> Void)?
    }

    private let state = Mutex(State())

    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    /// Marks the end as begun, and stops the server if this is the first time.
    func begin() {
        let action = state.withLock { state in
            state.hasBegun = true
            defer { state.action = nil }
            return state.action
        }
        if let action { Task { await action() } }
    }

    /// What stops the server.
    func whenBegun(_ action: @escaping @Sendable () async -> Void) {
        let isLate = state.withLock { state in
            if !state.hasBegun { state.action = action }
            return state.hasBegun
        }
        if isLate { Task { await action() } }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import Operations
import ServiceLifecycle
import Storage

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

/// Closes the store when everything that uses it has stopped.
struct StoreService: Service {
    let close: @Sendable () async -> Void

    func run() async throws {
        // Cancelled after the failure of another service it closes nothing: the writer may be in the middle of a batch.
        try await gracefulShutdown()
        await close()
    }
}

/// Runs the long operations of administrators.
///
/// When asked to stop it cancels them and waits for them; what they have done stays.
struct JobService: Service {
    let jobs: JobBoard

    func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await jobs.run()
        } onCancelOrGracefulShutdown: {
            jobs.close()
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Logging
import ServiceLifecycle
import Synchronization

/// Ends the process when stopping takes too long, whatever hangs: a database, a disk, a task.
///
/// What was acknowledged is durable; what was not gets no answer.
final class StopDeadline: Service {
    private let timeout: Duration
    private let logger: Logger
    private let hasEnded = Atomic(false)

    /// A deadline that begins with the graceful shutdown.
    init(_ timeout: Duration, logger: Logger) {
        self.timeout = timeout
        self.logger = logger
    }

    func run() async throws {
        try? await gracefulShutdown()
        begin()
    }

    private func begin() {
        // A queue of its own has a thread although all others are blocked.
        DispatchQueue(label: "parley.stop").asyncAfter(
            deadline: .now() + .milliseconds(Int(timeout / .milliseconds(1)))
        ) { [self] in
            if hasEnded.load(ordering: .relaxed) { return }
            logger.critical("The server has not stopped in time; ending at once", metadata: ["timeout": "\(timeout)"])
            _exit(1)
        }
    }

    /// The server has stopped.
    func end() {
        hasEnded.store(true, ordering: .relaxed)
    }
}

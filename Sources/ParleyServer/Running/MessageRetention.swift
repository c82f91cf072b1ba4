// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import ServiceLifecycle
import Storage

/// Erases the messages that are older than the settings keep them, on one of the servers that share the store.
///
/// First a minute after the start, then every hour; not while the clock is ahead of what it was at the start or of the
/// database's.
struct MessageRetention: Service {
    let chat: Chat
    let clock: ClockWatch
    let logger: Logger
    private static let firstPause = Duration.seconds(60)
    private static let pause = Duration.seconds(3600)

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                try await Task.sleep(for: Self.firstPause)
                while !Task.isCancelled {
                    await erase()
                    try await Task.sleep(for: Self.pause)
                }
            }
        } catch is CancellationError {
            // The server stops.
        }
    }

    private func erase() async {
        let ages = chat.policy.retention
        guard !ages.isEmpty else { return }
        do {
            if let hours = try await clock.hoursAhead(in: chat) {
                logger.warning(
                    """
                    The clock was set ahead while the server ran, or is ahead of the database's, so no old messages \
                    are erased. Set it right, or restart the server if it is right now
                    """, metadata: ["clock.hours_ahead": "\(hours)"])
                return
            }
            guard try await chat.doesCommonChores() else { return }
            var expiry = try await MessageExpiry(of: chat, keeping: ages)
            while try await expiry.step(), !Task.isCancelled {}
            for (kind, found) in expiry.found.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                logger.info(
                    "Old messages were erased",
                    metadata: [
                        "flow.type": "\(kind.rawValue)", "messages.count": "\(found.messages)",
                        "messages.bytes": "\(found.bytes)",
                    ])
            }
        } catch {
            // What the store said is in the log already.
            logger.warning("Old messages could not be erased; the next pass tries again")
        }
    }
}

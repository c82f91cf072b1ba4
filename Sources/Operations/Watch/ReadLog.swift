// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import Storage

/// `log.read`: the entries of the log after a position, waiting a little when there are none yet.
///
/// A reader that follows the log asks again with the position that the report names: a slow one costs the server
/// nothing. A request for texts is noted in the server's log, with the user and the positions whose texts were shown.
package struct ReadLog: AdminOperation {
    /// What `log.read` tells.
    package struct Report: Codable, Sendable {
        /// In the order of the log.
        package var entries: [LogEntry]
        /// What to give as `after` for the next ones.
        package var next: Int64
    }

    package static let name = "log.read"
    package static let summary = "Read the entries of the log after a position, waiting for new ones if asked to."
    package static let access = OperationActor.Scope.read
    package static let isWatching = true

    /// The most entries of one report.
    package static let maximumLimit = 500
    /// The longest time to wait for entries, in milliseconds.
    package static let maximumWait = 30_000
    /// How often to look while waiting.
    private static let lookPause = Duration.milliseconds(200)

    /// Entries after this position; `nil` begins `last` entries before the end.
    package var after: Int64?
    /// How many entries to begin with when no position is given.
    package var last: Int
    /// The time to begin at instead, in seconds since 1970, when no position is given.
    package var since: Int64?
    /// The most entries, 1 to 500.
    package var limit: Int
    /// How long to wait for an entry when there is none, in milliseconds.
    package var wait: Int
    /// Whether the texts of messages are wanted.
    package var showsText: Bool
    /// Who asks: the name of a user of the machine.
    package var principal: String

    package init(
        after: Int64? = nil, last: Int = 10, since: Int64? = nil, limit: Int = 200, wait: Int = 0,
        showsText: Bool = false, principal: String
    ) {
        self.after = after
        self.last = last
        self.since = since
        self.limit = limit
        self.wait = wait
        self.showsText = showsText
        self.principal = principal
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        guard (1...Self.maximumLimit).contains(limit) else {
            throw OperationError(.invalid, "A report has 1 to \(Self.maximumLimit) entries, not \(limit).")
        }
        guard (0...Self.maximumWait).contains(wait), last >= 0, (after ?? 0) >= 0 else {
            throw OperationError(.invalid, "Waiting takes 0 to \(Self.maximumWait) ms; positions are 0 or more.")
        }
        let chat = context.chat
        var cursor = Position(after ?? 0)
        if after == nil {
            let start = since.map { Timestamp(seconds: $0) }
            cursor = try await context.reading {
                if let start { try await $0.position(before: start) } else { try await $0.position(beforeLast: last) }
            }
        }
        let deadline = ContinuousClock.now + .milliseconds(wait)
        while true {
            let events = try await context.asking { try await $0.watchedEvents(after: cursor, limit: limit) }
            if !events.isEmpty { return report(events, chat) }
            // The end may have been moved by a flow that is purged: what is after it is nothing that was missed.
            repeat {
                guard ContinuousClock.now < deadline else { return Report(entries: [], next: cursor.rawValue) }
                do { try await Task.sleep(for: Self.lookPause) } catch { throw .interrupted }
            } while try await head(context) <= cursor
        }
    }

    private func head(_ context: OperationContext) async throws(OperationError) -> Position {
        try await context.reading { try await $0.head() }
    }

    private func report(_ events: [WatchedEvent], _ chat: Chat) -> Report {
        let entries = events.map { LogEntry($0, showsText: showsText) }
        let shown = entries.filter { $0.text != nil }
        if let first = shown.first, let last = shown.last {
            chat.logger.notice(
                "Texts of messages were shown to an operator",
                metadata: [
                    "admin.user": "\(principal.prefix(64))", "chat.position.first": "\(first.position)",
                    "chat.position.last": "\(last.position)", "chat.messages": "\(shown.count)",
                ])
        }
        return Report(entries: entries, next: entries.last?.position ?? after ?? 0)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// `server.log`: the messages of the running server as it logs them, also of levels that its log leaves out.
///
/// The first request begins to watch and gets the last messages; the ones that follow name the watch, and wait a little
/// when nothing has come. What comes faster than it is read is dropped and counted. A watch ends half a minute after
/// its last read, and there are few at the same time, of which the API has a share.
package struct ReadServerLog: AdminOperation {
    /// What `server.log` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// What to name in the next request.
        package var watch: UInt64
        /// In the order in which they were logged.
        package var records: [Record]
        /// How many came after these and were dropped.
        package var dropped: Int

        package init(watch: UInt64, records: [Record], dropped: Int = 0) {
            self.watch = watch
            self.records = records
            self.dropped = dropped
        }
    }

    /// A message.
    package struct Record: Codable, Sendable, Equatable {
        /// As RFC 3339 writes it, in UTC.
        package var time: String
        /// Such as `WARNING`.
        package var level: String
        /// The name of the logger.
        package var logger: String
        /// Module and file, such as `Transport.Listener`.
        package var module: String
        package var function: String
        package var line: Int
        package var message: String
        /// Secrets are taken out.
        package var metadata: [String: String]

        package init(
            time: String, level: String, logger: String, module: String, function: String, line: Int, message: String,
            metadata: [String: String]
        ) {
            self.time = time
            self.level = level
            self.logger = logger
            self.module = module
            self.function = function
            self.line = line
            self.message = message
            self.metadata = metadata
        }
    }

    package static let name = "server.log"
    package static let summary = "Read the messages that the server logs, beginning with the last ones."
    package static let access = OperationActor.Scope.read
    package static let needsCurrentSchema = false
    package static let isWatching = true

    /// The longest time to wait for messages, in milliseconds.
    package static let maximumWait = 10_000
    /// How often to look while waiting.
    private static let lookPause = Duration.milliseconds(100)

    /// The watch to read; `nil` begins one.
    package var watch: UInt64?
    /// The least important level, by name or number.
    package var level: String
    /// Only of this module, such as `Transport` or `Transport.Listener`; `nil`: of all.
    package var module: String?
    /// Only messages about requests of this account, by its login; `nil`: all.
    package var user: String?
    /// Only messages about this connection, by the number that other messages give; `nil`: all.
    package var connection: UInt64?
    /// How many of the last messages a new watch begins with, 0 to 500.
    package var last: Int
    /// How long to wait when nothing has come, in milliseconds.
    package var wait: Int

    package init(
        watch: UInt64? = nil, level: String = "info", module: String? = nil, user: String? = nil,
        connection: UInt64? = nil, last: Int = 10, wait: Int = 0
    ) {
        self.watch = watch
        self.level = level
        self.module = module
        self.user = user
        self.connection = connection
        self.last = last
        self.wait = wait
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let server = try context.runningServer()
        guard (0...Self.maximumWait).contains(wait), (0...500).contains(last) else {
            throw OperationError(
                .invalid, "Waiting takes 0 to \(Self.maximumWait) ms; a watch begins with 0 to 500 messages.")
        }
        // Whose messages a watch shows is settled when it begins.
        var account: UserID?
        if watch == nil, let user { account = try await context.user(login: user).id }
        let deadline = ContinuousClock.now + .milliseconds(wait)
        while true {
            let report = try server.readServerLog(self, account, context.actor)
            guard watch != nil, report.records.isEmpty, report.dropped == 0, ContinuousClock.now < deadline else {
                return report
            }
            do { try await Task.sleep(for: Self.lookPause) } catch { throw .interrupted }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `db.status`: what the database says about itself.
package struct DatabaseStatus: AdminOperation {
    /// What `db.status` tells.
    package struct Report: Codable, Sendable {
        /// Such as `SQLite 3.40.1`.
        package var engine: String
        /// Where the data is, without user and password.
        package var location: String
        /// Its size on the disk in bytes.
        package var sizeBytes: Int64
        /// The settings that decide whether a commit survives a power failure, as the database itself reports them.
        package var durability: [String: String]
        /// Where the schema stands: `current`, `old`, `empty`, `newer`, `foreign`, `halfMigrated` or `copying`.
        package var schema: String
        /// The migrations that were applied.
        package var applied: [String]
        /// The migrations to come.
        package var pending: [String]
        /// How much there is; `nil` unless the schema is current.
        @Nullable package var counts: Counts?
    }

    /// How much there is.
    package struct Counts: Codable, Sendable, Equatable {
        /// Accounts, without deleted and hidden ones.
        package var users: Int64
        package var flows: Int64
        /// Messages, deleted ones included.
        package var messages: Int64
        /// The last position of the log.
        package var head: Int64
    }

    package static let name = "db.status"
    package static let summary = "Say what the database says about itself."
    package static let access = OperationActor.Scope.read
    package static let needsCurrentSchema = false

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let facts = try await context.reading { try await $0.engine.facts() }
        let status = try await context.reading { try await $0.migrationStatus() }
        var report = Report(
            engine: facts.version, location: facts.location, sizeBytes: facts.sizeBytes, durability: facts.durability,
            schema: status.state.rawValue, applied: status.applied, pending: status.pending, counts: nil)
        if status.state == .current {
            let counts = try await context.reading { try await $0.counts() }
            let head = try await context.reading { try await $0.head() }
            report.counts = Counts(
                users: counts.users, flows: counts.flows, messages: counts.messages, head: head.rawValue)
        }
        return report
    }
}

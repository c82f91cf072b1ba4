// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `db.stats`: what takes how much room.
package struct DatabaseStatistics: AdminOperation {
    /// A table and what it takes.
    package struct Table: Codable, Sendable, Equatable {
        package var name: String
        /// `nil` for the search index.
        @Nullable package var rows: Int64?
        /// On the disk, with indexes.
        package var bytes: Int64
    }

    /// What `db.stats` tells.
    package struct Report: Codable, Sendable {
        /// The largest first.
        package var tables: [Table]
        /// What the database takes on the disk.
        package var bytes: Int64
        /// What of it can be used again without growing; `nil` if the engine does not say.
        @Nullable package var freeBytes: Int64?
    }

    package static let name = "db.stats"
    package static let summary = "Say what takes how much room."
    package static let access = OperationActor.Scope.read

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let room = try await context.reading { try await $0.room() }
        let facts = try await context.reading { try await $0.engine.facts() }
        return Report(
            tables: room.tables.map { Table(name: $0.name, rows: $0.rows, bytes: $0.bytes) }
                .sorted { ($0.bytes, $1.name) > ($1.bytes, $0.name) },
            bytes: facts.sizeBytes, freeBytes: room.freeBytes)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a transaction of the store is for: its time is counted by this; metrics show the case's name.
package enum QueryKind: String, Sendable, CaseIterable {
    /// A batch of the log.
    case commit
    /// Pages of messages, single ones, and their bodies.
    case messages
    /// What comes after a cursor, and cursors: catching up, deliveries, updates.
    case updates
    /// Full-text search.
    case search
    /// Accounts, with their sessions, contacts, keys and limits.
    case accounts
    /// Flows and their members.
    case flows
    /// Attachments that are stored ahead of their message.
    case attachments
    /// Lists of administrators, and changes of theirs that are no event of the log.
    case administration
    /// What the server does by itself, such as the search index, heartbeats, presence, expiry and garbage.
    case chores
}

/// Takes what a transaction was for and how long it took, the wait for its connection included.
package typealias QueryObserver = @Sendable (QueryKind, Duration) -> Void

/// The store's transactions, observed; those of migrations, backups, copies and checks of the whole store use the
/// engine alone.
extension Storage {
    /// Runs `body` in a read transaction of an engine, by default the store's own.
    func read<Value: Sendable>(
        _ kind: QueryKind, on other: (any StorageEngine)? = nil,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        let engine = other ?? engine
        guard let observer else { return try await engine.read(body) }
        let start = elapsed()
        defer { observer(kind, elapsed() - start) }
        return try await engine.read(body)
    }

    /// Runs `body` in a write transaction of an engine, by default the store's own.
    func write<Value: Sendable>(
        _ kind: QueryKind, on other: (any StorageEngine)? = nil,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        let engine = other ?? engine
        guard let observer else { return try await engine.write(body) }
        let start = elapsed()
        defer { observer(kind, elapsed() - start) }
        return try await engine.write(body)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One step of the schema's history.
///
/// Append-only: never edited after a release; both engines have the same identifiers in the same order.
package struct Migration: Sendable {
    /// Such as `0001_spine`.
    package var identifier: String
    /// SQL text, run in one transaction.
    package var statements: [String]

    package init(_ identifier: String, _ statements: [String]) {
        self.identifier = identifier
        self.statements = statements
    }

    /// Salt and key of a password are in the text of its hash: the columns of their own were never filled.
    package static let passwords = Migration(
        "0010_passwords", ["ALTER TABLE users DROP COLUMN salt", "ALTER TABLE users DROP COLUMN key"])

    /// When a node is drained that has been announced to its clients, and what they are told; in the engine's words for
    /// types.
    package static func announcements(integer: String, text: String) -> Migration {
        Migration(
            "0011_announcements",
            [
                "ALTER TABLE nodes ADD COLUMN drain_at_ms \(integer) NULL",
                "ALTER TABLE nodes ADD COLUMN notice \(text) NOT NULL DEFAULT ''",
            ])
    }

    /// What a node does for people, in the engine's word for texts.
    package static func modes(text: String) -> Migration {
        Migration(
            "0012_modes",
            [
                """
                ALTER TABLE nodes ADD COLUMN mode \(text) NOT NULL DEFAULT 'normal'
                    CHECK (mode IN ('normal', 'read-only', 'maintenance'))
                """
            ])
    }
}

/// The texts that differ between engines where one shared statement cannot serve both.
package struct SQLDialect: Sendable {
    /// `sqlite` or `postgres`, for people.
    package var name: String
    /// The schema's history.
    package var migrations: [Migration]
    /// Runs first in the transaction of each migration, so that two processes take turns.
    package var beforeMigration: [String]
    /// All tables and search tables of the schema, in an order in which they can be dropped.
    package var dropAllTables: [String]
    /// `SELECT 1` rows if there is a table `migrations` of our form.
    package var migrationsTableExists: String
    /// `SELECT 1` rows if the database has any table, ours or not.
    package var anyTableExists: String
    /// A table expression with the columns `flow_id, user_id` from `$1`, a JSON text such as `[[1,2],[1,3]]`.
    package var pairs: String
    /// A table expression with the column `number` from `$1`, a JSON text such as `[1,2,3]`.
    package var numbers: String
    /// An expression: milliseconds since 1970 by the database's own clock.
    package var nowMilliseconds: String
    /// A function of two texts: where the second begins in the first, from 1; 0 if it is not there.
    package var place: String
    /// `SELECT`s the size of the database in bytes, without a wait for writers.
    package var databaseBytes: String
    /// A statement by which a transaction tells the other processes of its commit; `nil` if the database has none.
    ///
    /// `$1` is `LogNews.text`.
    package var notify: String?
    /// Full-text search.
    package var search: SearchDialect
    /// Whole tables, for backups.
    package var table: TableDialect

    package init(
        name: String, migrations: [Migration], beforeMigration: [String] = [], dropAllTables: [String],
        migrationsTableExists: String, anyTableExists: String, pairs: String, numbers: String, nowMilliseconds: String,
        place: String, databaseBytes: String, notify: String? = nil, search: SearchDialect, table: TableDialect
    ) {
        self.name = name
        self.migrations = migrations
        self.beforeMigration = beforeMigration
        self.dropAllTables = dropAllTables
        self.migrationsTableExists = migrationsTableExists
        self.anyTableExists = anyTableExists
        self.pairs = pairs
        self.numbers = numbers
        self.nowMilliseconds = nowMilliseconds
        self.place = place
        self.databaseBytes = databaseBytes
        self.notify = notify
        self.search = search
        self.table = table
    }
}

/// The statements of full-text search: FTS5 and `tsvector`.
package struct SearchDialect: Sendable {
    /// The column of the index that says which message it is.
    package var key: String
    /// Adds the words of a message that is not in the index.
    ///
    /// `$1` position of the message, `$2` its words.
    package var add: String
    /// Puts a message's words in place of those that may be there; the same arguments.
    package var replace: String
    /// `$1` position of the message.
    package var remove: String
    /// Positions of messages that match, newest first.
    ///
    /// `$1` the words, `$2` highest position (not included), `$3` limit.
    package var match: String
    /// Remembers that words were removed, for the engine's `sweepSearchIndex`; `nil` if the engine forgets them by
    /// itself.
    package var noteRemoval: String?
    /// Whether the index is a database of its own, with its own writer.
    package var isApart: Bool

    package init(
        key: String, add: String, replace: String, remove: String, match: String, noteRemoval: String? = nil,
        isApart: Bool = false
    ) {
        self.key = key
        self.add = add
        self.replace = replace
        self.remove = remove
        self.match = match
        self.noteRemoval = noteRemoval
        self.isApart = isApart
    }
}

/// A database engine: transactions over connections.
///
/// SQLite and PostgreSQL.
package protocol StorageEngine: Sendable {
    var dialect: SQLDialect { get }
    /// How the processes that share the database hear of each other's commits.
    var signals: any LogSignals { get }
    /// Where transactions run that write: a task that prefers it makes them without a change of threads.
    ///
    /// `nil`: wherever the engine likes.
    var writerExecutor: (any TaskExecutor)? { get }

    /// Runs `body` in a read-only transaction that sees one state of the database throughout, on a connection of the
    /// pool.
    ///
    /// - Throws: `StorageError`; `.unavailable` when no connection could be had in time.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value

    /// Runs `body` in a transaction on the one writer connection and commits it. When the call returns, the commit is
    /// durable: on the disk with SQLite (`synchronous=FULL`), flushed by the server with PostgreSQL
    /// (`synchronous_commit=on`). A second call waits for the first.
    ///
    /// - Throws: what `body` threw, after a rollback; `.commitUnknown` if COMMIT got no answer; `.inDoubt`, from then
    ///   on always, if the disk failed. The next call reconnects, with back-off, and throws `.unavailable` when that
    ///   fails.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value

    /// Facts for `db status`, `doctor` and `readyz`: engine version, size in bytes, durability settings as the database
    /// itself reports them.
    func facts() async throws(StorageError) -> EngineFacts

    /// The database that holds the search index, ready for use: this one, or one of its own.
    ///
    /// `nil` when there is none and only reading is allowed.
    ///
    /// - Throws: `.unavailable` while it is made anew.
    func searchIndex() async throws(StorageError) -> (any StorageEngine)?

    /// Puts an empty index in the place of the one that there is, whatever state that is in.
    func remakeSearchIndex() async throws(StorageError)

    /// Overwrites what the index still holds of words that were removed from it.
    func sweepSearchIndex() async throws(StorageError)

    /// Closes every connection. Calls after it throw `.unavailable`.
    func close() async
}

extension StorageEngine {
    package var writerExecutor: (any TaskExecutor)? { nil }

    package func searchIndex() async throws(StorageError) -> (any StorageEngine)? { self }

    package func remakeSearchIndex() async throws(StorageError) {
        try await write { connection in
            connection.allowLongStatements()
            try connection.execute("UPDATE search_head SET position = 0, event = NULL, step = step + 1 WHERE id = 1")
            try connection.execute("DELETE FROM message_search")
        }
    }

    package func sweepSearchIndex() async throws(StorageError) {}
}

/// What an engine says about itself.
package struct EngineFacts: Sendable, Equatable {
    /// Such as `SQLite 3.40.1` or `PostgreSQL 15.18`.
    package var version: String
    /// Path of the file, or `postgres://host:port/name` without user and password.
    package var location: String
    package var sizeBytes: Int64
    /// Such as `["synchronous": "FULL", "journal_mode": "wal"]` or `["fsync": "on", "synchronous_commit": "on"]`.
    package var durability: [String: String]

    package init(version: String, location: String, sizeBytes: Int64, durability: [String: String]) {
        self.version = version
        self.location = location
        self.sizeBytes = sizeBytes
        self.durability = durability
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Storage

/// What the file of the search index needs.
extension SQLiteEngine {
    /// How many pages one step of a sweep writes at most.
    private static let sweepPages = 100

    /// Makes the tables of a new index.
    ///
    /// - Throws: `.unusable` also for tables of another form.
    nonisolated func prepareSearch(isReadOnly: Bool) throws(StorageError) {
        try setUp { db in
            // What is removed is overwritten.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            if try !isReadOnly && !db.tableExists("search_head") {
                try db.inTransaction(.immediate) {
                    for statement in SQLiteDialect.searchTables { try db.execute(sql: statement) }
                    return .commit
                }
            }
            let row = try Row.fetchOne(db, sql: "SELECT position, event, step, is_swept FROM search_head WHERE id = 1")
            let table = try String.fetchOne(db, sql: "SELECT sql FROM sqlite_master WHERE name = 'message_search'")
            // One of another form can be read.
            guard row != nil, let table, isReadOnly || table == SQLiteDialect.searchTable else {
                throw StorageError(.unusable, "The search index has not its tables.")
            }
        }
    }

    /// Merges the index until the words that were removed are in none of its parts, some pages at a time, and empties
    /// the write-ahead log.
    ///
    /// FTS5 only marks what is removed until the parts that hold it are merged.
    func sweep() async throws(StorageError) {
        let step = try await onWriter { db in
            try Int64.fetchOne(db, sql: "SELECT step FROM search_head WHERE id = 1 AND is_swept = 0")
        }
        guard let step else { return }
        var changes: Int64
        // A negative number puts all parts on one level, to be merged into one; a positive one goes on with that.
        // Putting them there again while parts are added would not end, and damages the index after some dozen times.
        var pages = -Self.sweepPages
        repeat {
            // Between two steps the index goes on following the log.
            changes = try await onWriter { [pages] db in
                let before = try Int64.fetchOne(db, sql: "SELECT total_changes()") ?? 0
                try db.execute(
                    sql: "INSERT INTO message_search (message_search, rank) VALUES ('merge', ?)",
                    arguments: [pages])
                return try (Int64.fetchOne(db, sql: "SELECT total_changes()") ?? 0) - before
            }
            pages = Self.sweepPages
        } while changes >= 2 && !Task.isCancelled  // One is the statement itself.
        guard changes < 2 else { return }
        try await onWriter { db in
            // Pages that SQLite rearranged may hold copies between their cells, which secure_delete does not overwrite.
            try db.execute(sql: "VACUUM")
            if try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal" { try db.checkpoint(.truncate) }
            try db.execute(sql: "UPDATE search_head SET is_swept = 1 WHERE id = 1 AND step = ?", arguments: [step])
        }
    }
}

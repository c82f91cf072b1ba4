// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Copies everything from one store into another one, of whatever engine, in small transactions.
///
/// Until the end the target bears a mark, with which no server takes it. A copy that was interrupted continues after
/// the last rows that it wrote. In the end both sides are read and compared.
package struct DatabaseCopy: Sendable {
    /// What there is of a table.
    package struct Table: Sendable, Equatable {
        package var name: String
        package var rows: Int
    }

    /// What was copied.
    package struct Report: Sendable {
        package var tables: [Table]
        /// Whether an earlier copy was continued.
        package var isContinuation: Bool
        /// Whether an earlier copy had come to its end, so that nothing was left to do but compare.
        package var wasComplete = false
    }

    /// What a copy finds in the target.
    private enum Target {
        case empty
        case unfinished
        /// Data; the error is for when it is not that of the source.
        case full(ArchiveError)

        var isUnfinished: Bool { if case .unfinished = self { true } else { false } }
    }

    /// A table that is not the same on both sides.
    private struct Difference: Error {
        var table: String
        var sourceRows: Int
        var targetRows: Int
    }

    /// Tables that may be long, and whose rows come after the last one: a copy that continues finds them there.
    ///
    /// The others are copied anew.
    private static let longTables = ["events", "event_bodies", "blobs", "blob_refs"]
    /// Tables that are left out.
    private static let leftOut: Set<String> = ["migrations", "nodes", "node_presence", "search_removals"]

    private let source: Storage
    private let target: Storage
    private let progress: @Sendable (ArchiveProgress) throws -> Void

    /// `progress` is called now and then; what it throws ends the copy, which can be continued.
    package init(
        from source: Storage, to target: Storage,
        progress: @escaping @Sendable (ArchiveProgress) throws -> Void = { _ in }
    ) {
        self.source = source
        self.target = target
        self.progress = progress
    }

    /// What would be copied; changes nothing.
    package func plan() async throws -> Report {
        let (_, found) = try await check()
        if case .full(let refusal) = found { return try await repetition(refusal) }
        return Report(tables: try await counts(), isContinuation: found.isUnfinished)
    }

    /// Copies, and compares what arrived.
    package func run() async throws -> Report {
        let (identity, found) = try await check()
        if case .full(let refusal) = found { return try await repetition(refusal) }
        if case .empty = found { try await begin(identity) }
        let counts = try await counts()
        let total = counts.reduce(0) { $0 + $1.rows }
        var done = 0
        for count in counts where Self.longTables.contains(count.name) {
            try await copyPages(of: count, after: done, total: total)
            done += count.rows
        }
        try await copyShortTables(after: done, total: total)
        do { try await compare(total: total) } catch let found as Difference {
            throw ArchiveError(
                .inputOutput,
                "Table '\(found.table)' has \(found.sourceRows) rows in the source and \(found.targetRows) in the "
                    + "target, or others. Empty the target with 'manage db delete', and try again."
            )
        }
        guard try await Self.identity(of: source) == identity else {
            throw ArchiveError(
                .inputOutput,
                "The source was changed while it was copied. Stop what uses it, empty the target, and try again.")
        }
        try await write(target) { loader in
            try loader.continueNumbers()
            try loader.endCopy()
        }
        return Report(tables: counts, isContinuation: found.isUnfinished)
    }

    // MARK: Steps

    /// Whether the target may be copied into.
    private func check() async throws -> (identity: String, target: Target) {
        try await source.checkSchema()
        let identity = try await Self.identity(of: source)
        switch try await target.migrationStatus().state {
        case .empty: return (identity, .empty)
        case .copying:
            guard try await target.copySource() == identity else {
                throw ArchiveError(
                    .notEmpty,
                    "The target has an unfinished copy of another database, or of this one before it was changed. "
                        + "Empty it with 'manage db delete'; nothing was changed."
                )
            }
            return (identity, .unfinished)
        case .old:
            // A copy that was killed while it made the tables leaves some of them; `begin` makes the others.
            try await read(target) { try Restore.checkIsEmpty($0) }
            return (identity, .empty)
        case .current, .newer, .foreign, .halfMigrated:
            try await target.checkSchema()
            do {
                try await read(target) { try Restore.checkIsEmpty($0) }
                return (identity, .empty)
            } catch let refusal as ArchiveError where refusal.code == .notEmpty {
                guard try await Self.identity(of: target) == identity else { throw refusal }
                return (identity, .full(refusal))
            }
        }
    }

    /// A copy that was killed between its end and its report is whole, and one may run it again to be certain.
    private func repetition(_ refusal: ArchiveError) async throws -> Report {
        let counts = try await counts()
        do {
            try await compare(total: counts.reduce(0) { $0 + $1.rows })
        } catch is Difference {
            throw refusal
        }
        return Report(tables: counts, isContinuation: false, wasComplete: true)
    }

    /// The head of the log: it moves with all that people do.
    private static func identity(of storage: Storage) async throws -> String {
        let row = try await storage.readTables { reader in
            guard let table = reader.tables.first(where: { $0.name == "log_head" }) else { return SQLRow() }
            return try reader.page(of: table).first ?? []
        }
        return row.map { if case .int(let number) = $0 { "\(number)" } else { "-" } }.joined(separator: ".")
    }

    private func begin(_ identity: String) async throws {
        _ = try await target.migrate()
        try await write(target) { loader in
            try Restore.checkIsEmpty(loader.reader)
            try loader.beginCopy(of: identity)
        }
    }

    private func counts() async throws -> [Table] {
        try await read(source) { reader in
            try Self.kept(reader).map { Table(name: $0.name, rows: Int(try reader.count(of: $0))) }
        }
    }

    private func copyPages(of count: Table, after done: Int, total: Int) async throws {
        guard let table = try await read(target, { reader in Self.kept(reader).first { $0.name == count.name } }) else {
            return
        }
        var (copied, key): (Int, [SQLValue]?) = try await read(target) { reader in
            (Int(try reader.count(of: table)), try reader.lastKey(of: table))
        }
        while true {
            let after = key
            let rows = try await read(source) { try $0.page(of: table, after: after) }
            guard let last = rows.last else { return }
            try await write(target) { try $0.insert(rows, into: table) }
            key = Array(last.prefix(table.keyCount))
            copied += rows.count
            try progress(ArchiveProgress(phase: "rows copied", done: done + copied, total: total))
        }
    }

    private func copyShortTables(after done: Int, total: Int) async throws {
        let tables = try await read(target) { reader in
            Self.kept(reader).filter { !Self.longTables.contains($0.name) }
        }
        try await write(target) { loader in for table in tables.reversed() { try loader.clear(table) } }
        var copied = done
        for table in tables {
            var key: [SQLValue]?
            while true {
                let after = key
                let rows = try await read(source) { try $0.page(of: table, after: after) }
                guard let last = rows.last else { break }
                try await write(target) { try $0.insert(rows.compactMap { Self.moved($0, of: table) }, into: table) }
                key = Array(last.prefix(table.keyCount))
                copied += rows.count
                try progress(ArchiveProgress(phase: "rows copied", done: copied, total: total))
            }
        }
    }

    private func compare(total: Int) async throws {
        let tables = try await read(target) { Self.kept($0) }
        var done = 0
        for table in tables {
            let before = done
            let progress = progress
            let here = try await read(source) { reader in
                try TableDigest(of: table, from: reader, change: { Self.moved($0, of: table) })
            }
            let there = try await read(target) { reader in
                try TableDigest(
                    of: table, from: reader,
                    progress: { rows in
                        try progress(ArchiveProgress(phase: "rows compared", done: before + rows, total: total))
                    })
            }
            guard here == there else {
                throw Difference(table: table.name, sourceRows: here.rows, targetRows: there.rows)
            }
            done += there.rows
        }
    }

    // MARK: Tables

    private static func kept(_ reader: TableReader) -> [StoredTable] {
        reader.tables.filter { !leftOut.contains($0.name) }
    }

    /// What becomes of a row: sessions are at no server any more, and those that end with their connection have ended.
    private static func moved(_ row: SQLRow, of table: StoredTable) -> SQLRow? {
        guard table.name == "sessions" else { return row }
        var row = row
        for (index, column) in table.columns.enumerated() {
            if column.name == "ends_with_connection", row[index] != .int(0) { return nil }
            if column.name == "node" { row[index] = .int(0) }
        }
        return row
    }

    private func read<Value: Sendable>(
        _ storage: Storage, _ body: @escaping @Sendable (TableReader) throws -> Value
    ) async throws -> Value {
        let carried = CarriedError()
        return try await carried.unpacking {
            try await storage.readTables { reader in try carried.carrying { try body(reader) } }
        }
    }

    private func write(_ storage: Storage, _ body: @escaping @Sendable (TableLoader) throws -> Void) async throws {
        let carried = CarriedError()
        try await carried.unpacking {
            try await storage.loadTables { loader in try carried.carrying { try body(loader) } }
        }
    }
}

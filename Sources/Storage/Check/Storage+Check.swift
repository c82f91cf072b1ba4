// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A rule that is broken.
package struct StoreProblem: Sendable, Equatable {
    /// The rule's name.
    package var name: String
    /// What is the matter: a sentence.
    package var problem: String
    /// How many rows.
    package var rows: Int64
    package var isFixable: Bool
}

extension Storage {
    /// How many messages or attachments are looked into at a time.
    private static let checkedRows: Int64 = 200

    /// Compares the stored data with the rules that the engine's constraints cannot express, at one moment.
    ///
    /// - Parameters:
    ///   - digest: SHA-256.
    ///   - text: The words of a message's content.
    ///   - progress: Called with what is checked next; what it throws ends the check.
    /// - Returns: What was found.
    /// - Throws: When the store cannot be read.
    package func check(
        digest: @escaping @Sendable ([UInt8]) -> [UInt8], text: @escaping @Sendable ([UInt8]) -> String?,
        progress: @escaping @Sendable (String) throws -> Void = { _ in }
    ) async throws(StorageError) -> [StoreProblem] {
        try await readTables { reader in
            let connection = reader.connection
            var problems: [StoreProblem] = []
            try progress("engine")
            for row in try connection.rows(reader.dialect.table.integrity) {
                var columns = RowReader(row)
                problems.append(
                    StoreProblem(name: "engine", problem: "\(try columns.text()).", rows: 1, isFixable: false))
            }
            for rule in StoreRule.all {
                try progress(rule.name)
                guard let row = try connection.rows(rule.count).first else { continue }
                var columns = RowReader(row)
                let count = try columns.int()
                if count > 0 {
                    problems.append(
                        StoreProblem(name: rule.name, problem: rule.problem, rows: count, isFixable: rule.isFixable))
                }
            }
            try progress("attachments")
            let changed = try Self.changedBlobs(reader, digest: digest)
            if changed > 0 {
                problems.append(
                    StoreProblem(
                        name: "blobs.sha256", problem: "Attachments have other bytes than when they were stored.",
                        rows: changed, isFixable: false))
            }
            try progress("search index")
            let unfound = try Self.wrongIndexEntries(reader, text: text)
            if unfound > 0 {
                problems.append(
                    StoreProblem(
                        name: "message_search",
                        problem: "Messages are found by search that must not be, or are not found.",
                        rows: unfound, isFixable: true))
            }
            return problems
        }
    }

    /// Makes the rules of these names true again, in one transaction, as far as that is possible.
    package func fix(_ names: [String]) async throws(StorageError) {
        try await engine.write { connection in
            connection.allowLongStatements()
            try connection.execute("UPDATE search_head SET position = position WHERE id = 1")
            try connection.execute("UPDATE log_head SET position = position WHERE id = 1")
            // What is deleted first leaves the rows that belong to it behind.
            var needsNewIndex = names.contains("message_search")
            for rule in StoreRule.all.reversed() where names.contains(rule.name) {
                for statement in rule.fix { try connection.execute(statement) }
                needsNewIndex = needsNewIndex || rule.needsNewIndex
            }
            if needsNewIndex {
                try connection.execute("DELETE FROM message_search")
                try connection.execute("UPDATE search_head SET position = 0 WHERE id = 1")
            }
        }
    }

    private static func changedBlobs(
        _ reader: TableReader, digest: ([UInt8]) -> [UInt8]
    ) throws -> Int64 {
        guard let table = reader.tables.first(where: { $0.name == "blobs" }) else { return 0 }
        var changed: Int64 = 0
        let bytes = table.columns.firstIndex { $0.name == "bytes" } ?? 0
        try reader.forEachPage(of: table) { page in
            for row in page {
                guard case .bytes(let content) = row[bytes] else { continue }
                if row[0] != .bytes(digest(content)) { changed += 1 }
            }
        }
        return changed
    }

    /// Compares for each message that the index has reached whether it is in there and should be.
    private static func wrongIndexEntries(_ reader: TableReader, text: ([UInt8]) -> String?) throws -> Int64 {
        let key = reader.dialect.search.key
        var wrong: Int64 = 0
        var last: Int64 = 0
        while true {
            let rows = try reader.connection.rows(
                """
                SELECT e.position, coalesce(r.type, e.type), coalesce(r.content, e.content),
                    CASE WHEN EXISTS (SELECT 1 FROM message_search s WHERE s.\(key) = e.position) THEN 1 ELSE 0 END
                FROM events e LEFT JOIN events r ON r.position = e.replaced_by
                WHERE e.type = 'message' AND e.position > $1
                    AND coalesce(e.replaced_by, e.position) <= (SELECT position FROM search_head WHERE id = 1)
                ORDER BY e.position
                LIMIT $2
                """, [.int(last), .int(checkedRows)])
            for row in rows {
                var columns = RowReader(row)
                last = try columns.int()
                let isDeleted = try columns.text() == LogEvent.Kind.deletion.rawValue
                let words = isDeleted ? [] : text(try columns.bytes()).map(SearchWords.words) ?? []
                guard case .int(let found)? = row.last else { continue }
                if (found == 1) == words.isEmpty { wrong += 1 }
            }
            if rows.count < checkedRows { break }
        }
        guard
            let row = try reader.connection.rows(
                """
                SELECT count(*) FROM message_search s
                WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.position = s.\(key))
                """
            ).first
        else { return wrong }
        var columns = RowReader(row)
        return wrong + (try columns.int())
    }
}

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
    /// Compares the stored data with the rules that the engine's constraints cannot express, at one moment, and
    /// the search index with the log.
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
        var problems = try await readTables { reader in
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
            return problems
        }
        let unfound = try await wrongIndexEntries(text: text)
        if unfound > 0 {
            problems.append(
                StoreProblem(
                    name: "message_search",
                    problem: "Messages are found by search that must not be, or are not found.",
                    rows: unfound, isFixable: true))
        }
        return problems
    }

    /// Makes the rules of these names true again, in one transaction, as far as that is possible.
    package func fix(_ names: [String]) async throws(StorageError) {
        let needsNewIndex = try await engine.write { connection in
            connection.allowLongStatements()
            try connection.execute("UPDATE log_head SET position = position WHERE id = 1")
            // What is deleted first leaves the rows that belong to it behind.
            var needsNewIndex = names.contains("message_search")
            for rule in StoreRule.all.reversed() where names.contains(rule.name) {
                for statement in rule.fix { try connection.execute(statement) }
                needsNewIndex = needsNewIndex || rule.needsNewIndex
            }
            return needsNewIndex
        }
        if needsNewIndex { try await engine.remakeSearchIndex() }
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
}

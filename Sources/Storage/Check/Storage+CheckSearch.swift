// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// How many messages are looked into at a time.
    private static let checkedMessages = 200
    /// How often a message is looked at that changes meanwhile.
    private static let checkAttempts = 3

    /// How many messages are in the search index and must not be, or the reverse, among those that it has reached.
    ///
    /// An index that is damaged counts as one.
    func wrongIndexEntries(text: @escaping @Sendable ([UInt8]) -> String?) async throws(StorageError) -> Int64 {
        do {
            guard let index = try await engine.searchIndex() else { return 0 }
            let integrity = engine.dialect.table.integrity
            let flaws = try await index.read { connection in try connection.rows(integrity).count }
            var wrong = Int64(flaws)
            var last = Position.start
            while true {
                // The two are not read at one moment: what people write meanwhile is looked at again.
                var (found, end) = try await wrongIndexEntries(after: last, index: index, text: text)
                for _ in 1..<Self.checkAttempts where !found.isEmpty {
                    let again = try await wrongIndexEntries(after: last, index: index, text: text)
                    found.formIntersection(again.found)
                    end = min(end, again.end)
                }
                wrong += Int64(found.count { $0 <= end })
                if end == Position(.max) { return wrong }
                last = end
            }
        } catch  where engine.dialect.search.isApart && [.unusable, .needsMigration].contains(error.code) {
            return 1
        }
    }

    /// The messages of one page after `last` with the fault, and where the page ends.
    private func wrongIndexEntries(
        after last: Position, index: any StorageEngine, text: @escaping @Sendable ([UInt8]) -> String?
    ) async throws(StorageError) -> (found: Set<Position>, end: Position) {
        let key = engine.dialect.search.key
        let limit = Self.checkedMessages
        let indexed = try await index.read { connection in
            let rows = try connection.rows(
                "SELECT \(key) FROM message_search WHERE \(key) > $1 ORDER BY \(key) LIMIT $2",
                [SQLValue(last), SQLValue(limit: limit)])
            return (
                try SearchHead(on: connection, of: self.engine.dialect.search).position, try rows.map(Self.position)
            )
        }
        let (head, entries) = (indexed.0, indexed.1)
        return try await engine.read { connection in
            let messages = try connection.rows(
                """
                SELECT e.position, coalesce(r.type, e.type), coalesce(r.content, e.content),
                    coalesce(e.replaced_by, e.position)
                FROM events e LEFT JOIN events r ON r.position = e.replaced_by
                WHERE e.type = 'message' AND e.position > $1
                ORDER BY e.position
                LIMIT $2
                """, [SQLValue(last), SQLValue(limit: limit)])
            var end = Position(.max)
            if entries.count == limit, let last = entries.last { end = min(end, last) }
            if messages.count == limit, let last = messages.last { end = min(end, try Self.position(last)) }
            let present = Set(entries)
            var wrong: Set<Position> = []
            var known: Set<Position> = []
            for row in messages {
                var columns = RowReader(row)
                let message = try columns.position()
                known.insert(message)
                let isDeleted = try columns.text() == LogEvent.Kind.deletion.rawValue
                let words = isDeleted ? "" : text(try columns.bytes()).map(SearchWords.folded) ?? ""
                let isReached = try Self.position(Array(row.suffix(1))) <= head
                if message <= end, isReached, present.contains(message) == words.isEmpty { wrong.insert(message) }
            }
            let pending = try connection.rows(
                "SELECT position FROM search_removals WHERE position > $1 AND position <= $2",
                [SQLValue(last), SQLValue(end)]
            ).map(Self.position)
            wrong.formUnion(present.subtracting(known).subtracting(pending).filter { $0 <= end })
            return (wrong, end)
        }
    }

    private static func position(_ row: SQLRow) throws(StorageError) -> Position {
        var reader = RowReader(row)
        return try reader.position()
    }
}

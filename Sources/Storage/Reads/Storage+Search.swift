// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// How many events one step of the index reads.
    private static let searchStep = 500

    /// Lets full-text search follow the log by one step, outside any message's commit.
    ///
    /// - Parameter text: The words of a message's content; `nil` for one without text.
    /// - Returns: Whether the index has reached the head of the log.
    package func indexForSearch(text: @escaping @Sendable ([UInt8]) -> String?) async throws(StorageError) -> Bool {
        let indexed = try await engine.read { (connection) throws(StorageError) in try Self.searchHead(on: connection) }
        let events = try await events(after: indexed, limit: Self.searchStep)
        guard let last = events.last else { return true }
        let search = engine.dialect.search
        var statements: [SQLStatement] = []
        for event in events {
            let target = event.replaces ?? event.position
            switch event.kind {
            case .message, .edit:
                guard let words = text(event.content), !words.isEmpty else { continue }
                statements += search.put.map { SQLStatement($0, [SQLValue(target), .text(words)]) }
            case .deletion:
                statements.append(SQLStatement(search.remove, [SQLValue(target)]))
            case .flow, .join, .leave, .user, .session, .admin: continue
            }
        }
        let changes = statements
        try await engine.write { (connection) throws(StorageError) in
            // Another node may have been here: whoever moves the head from where it was has the step.
            let moved = try connection.execute(
                "UPDATE search_head SET position = $1 WHERE id = 1 AND position = $2",
                [SQLValue(last.position), SQLValue(indexed)])
            if moved == 1 { _ = try connection.rows(pipelined: changes) }
        }
        return events.count < Self.searchStep
    }

    private static func searchHead(on connection: any SQLConnection) throws(StorageError) -> Position {
        guard let row = try connection.rows("SELECT position FROM search_head WHERE id = 1").first else {
            return .start
        }
        var reader = RowReader(row)
        return try reader.position()
    }

    /// Messages that contain all the words, newest first. What the index has not reached yet is indexed first.
    ///
    /// - Parameter before: Only messages before this position, for the next page.
    package func messages(
        matching words: [String], before: Position = Position(.max), limit: Int,
        text: @escaping @Sendable ([UInt8]) -> String?
    ) async throws(StorageError) -> MessagePage {
        while try await !indexForSearch(text: text) {}
        // Quoted, so that no operator of the engine's query language works.
        let query = words.map { "\"" + $0.filter { $0 != "\"" } + "\"" }.filter { $0 != "\"\"" }.joined(separator: " ")
        guard !query.isEmpty else { return MessagePage(messages: [], isCut: false) }
        return try await engine.read { (connection) throws(StorageError) in
            let found = try connection.rows(
                self.engine.dialect.search.match, [.text(query), SQLValue(before), .int(Int64(limit))])
            let rows = try connection.rows(
                pipelined: found.map {
                    SQLStatement(
                        """
                        SELECT \(Self.messageColumns) FROM \(Self.messageTables)
                        WHERE e.number IS NOT NULL AND e.position = $1
                        """, $0)
                })
            return try Self.messages(rows.joined(), on: connection)
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// How many events one step of the index reads.
    private static let searchStep = 500

    /// Lets full-text search follow the log by one step, outside any message's commit.
    ///
    /// `text` gives the words of a message's content, `nil` for one without text. The result is whether the index has
    /// reached the head of the log.
    package func indexForSearch(text: @escaping @Sendable ([UInt8]) -> String?) async throws(StorageError) -> Bool {
        let indexed = try await engine.read { connection in try Self.searchHead(on: connection) }
        let events = try await events(after: indexed, limit: Self.searchStep)
        guard let last = events.last else { return true }
        var changes: [(event: Position, statements: [SQLStatement])] = []
        for event in events {
            switch event.kind {
            case .message, .edit:
                let words = text(event.content).map(SearchWords.words) ?? []
                changes.append((event.position, searchChange(of: event.replaces ?? event.position, to: words)))
            case .deletion:
                changes.append((event.position, event.deletedMessages.flatMap { searchChange(of: $0, to: []) }))
            case .flow, .join, .leave, .user, .session, .contact, .key, .admin, .invite: continue
            }
        }
        let steps = changes
        return try await engine.write { connection in
            // Another node may have been here: whoever moves the head from where it was has the step.
            let moved = try connection.execute(
                "UPDATE search_head SET position = $1 WHERE id = 1 AND position = $2",
                [SQLValue(last.position), SQLValue(indexed)])
            guard moved == 1 else { return false }
            // A flow may have been purged since its events were read: its words must not come back.
            let present = try connection.rows(
                "SELECT position FROM events WHERE position > $1 AND position <= $2",
                [SQLValue(indexed), SQLValue(last.position)])
            let positions = Set(
                try present.map { row in
                    var reader = RowReader(row)
                    return try reader.position()
                })
            _ = try connection.rows(
                pipelined: steps.filter { positions.contains($0.event) }.flatMap(\.statements))
            return try Self.head(on: connection) == last.position
        }
    }

    private func searchChange(of message: Position, to words: [String]) -> [SQLStatement] {
        let search = engine.dialect.search
        guard !words.isEmpty else { return [SQLStatement(search.remove, [SQLValue(message)])] }
        let text = SQLValue.text(words.joined(separator: " "))
        return search.put.map { SQLStatement($0, [SQLValue(message), text]) }
    }

    private static func searchHead(on connection: any SQLConnection) throws(StorageError) -> Position {
        let rows = try connection.rows("SELECT position FROM search_head WHERE id = 1")
        guard let row = rows.first else { return .start }
        var reader = RowReader(row)
        return try reader.position()
    }

    /// Messages that contain all the words, newest first.
    ///
    /// Case does not count, diacritics do. What the index has not reached yet is indexed first. `before` asks for the next
    /// page: only messages before this position.
    package func messages(
        matching words: [String], before: Position = Position(.max), limit: Int,
        text: @escaping @Sendable ([UInt8]) -> String?
    ) async throws(StorageError) -> MessagePage {
        while try await !indexForSearch(text: text) {}
        guard let query = SearchWords.query(words) else { return MessagePage(messages: [], isCut: false) }
        let limit = min(limit, Self.maximumPageRows)
        return try await engine.read { connection in
            var page = MessagePage(messages: [], isCut: false)
            var below = before
            // Messages of deleted flows are in the index until they are purged: a step may find fewer than it asked for.
            while page.messages.count < limit {
                let missing = limit - page.messages.count
                let found = try connection.rows(
                    self.engine.dialect.search.match, [.text(query), SQLValue(below), SQLValue(limit: missing)])
                let positions = try found.map { row in
                    var reader = RowReader(row)
                    return try reader.position()
                }
                let loader = try MessageLoader(positions, dialect: self.engine.dialect, on: connection)
                let next = try loader.page(of: positions)
                page.messages += next.messages
                page.isCut = next.isCut
                if next.isCut { break }
                below = positions.last ?? below
                if found.count < missing { break }
            }
            return page
        }
    }
}

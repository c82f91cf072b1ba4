// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// Messages that contain all the words, newest first.
    ///
    /// Case does not count, diacritics do. The index is waited for until it has what was in the log at the call.
    /// `before` asks for the next page: only messages before this position.
    package func messages(
        matching words: [String], before: Position = Position(.max), limit: Int,
        text: @escaping @Sendable ([UInt8]) -> String?
    ) async throws(StorageError) -> MessagePage {
        guard let query = SearchWords.query(words) else { return MessagePage(messages: [], isCut: false) }
        try await waitForSearchIndex(text: text)
        let limit = min(limit, Self.maximumPageRows)
        var page = MessagePage(messages: [], isCut: false)
        var below = before
        // Messages of deleted flows are in the index until they are purged: a step may find fewer than it asked for.
        while page.messages.count < limit {
            let missing = limit - page.messages.count
            let positions = try await positions(matching: query, before: below, limit: missing)
            let next = try await read(.search) { connection in
                try MessageLoader(positions, dialect: self.engine.dialect, on: connection).page(of: positions)
            }
            page.messages += next.messages
            page.isCut = next.isCut
            if next.isCut { break }
            below = positions.last ?? below
            if positions.count < missing { break }
        }
        return page
    }

    private func waitForSearchIndex(text: @escaping @Sendable ([UInt8]) -> String?) async throws(StorageError) {
        let end = try await head()
        while try await !searchIndexHas(end), try await indexForSearch(text: text) != .nothing {
            if Task.isCancelled { throw StorageError(.unavailable, "The search was cancelled.") }
        }
    }

    private func searchIndexHas(_ position: Position) async throws(StorageError) -> Bool {
        let head = try await onSearchIndex { (index) async throws(StorageError) in
            try await read(.search, on: index) { connection in
                try SearchHead(on: connection, of: self.engine.dialect.search)
            }
        }
        guard let head, head.position >= position else { return false }
        return try await read(.search) { connection in try head.isOfLog(on: connection) }
    }

    private func positions(
        matching query: String, before: Position, limit: Int
    ) async throws(StorageError) -> [Position] {
        let statement = SQLStatement(
            engine.dialect.search.match, [.text(query), SQLValue(before), SQLValue(limit: limit)])
        return try await onSearchIndex { (index) async throws(StorageError) in
            try await read(.search, on: index) { connection in
                try connection.rows(statement).map { row in
                    var reader = RowReader(row)
                    return try reader.position()
                }
            }
        } ?? []
    }
}

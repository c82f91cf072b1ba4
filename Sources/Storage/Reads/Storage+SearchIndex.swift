// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How far the search index is.
struct SearchHead {
    /// The last event that is in it.
    var position: Position
    /// Whether there are messages in it that it must not have yet.
    private var isTooFar: Bool
    /// The uuid of that event; `nil` if it is not known.
    var event: SQLValue?
    /// Counts the changes of the index: a reader that read it before another change has to read again.
    var step: Int64

    init(on connection: any SQLConnection, of search: SearchDialect) throws(StorageError) {
        guard let row = try connection.rows("SELECT position, step, event FROM search_head WHERE id = 1").first else {
            throw StorageError(.unusable, "The search index has no head.")
        }
        var reader = RowReader(row)
        position = try reader.position()
        step = try reader.int()
        event = row[2] == .null ? nil : row[2]
        let later = "SELECT 1 FROM message_search WHERE \(search.key) > $1 LIMIT 1"
        isTooFar = try !connection.rows(later, [SQLValue(position)]).isEmpty
    }

    /// Whether the index is of this log and no further.
    ///
    /// A database that was restored has a shorter log, or another one. An event that is missing was purged.
    func isOfLog(on connection: any SQLConnection) throws(StorageError) -> Bool {
        guard !isTooFar, try position <= Storage.head(on: connection) else { return false }
        let rows = try connection.rows("SELECT uuid FROM events WHERE position = $1", [SQLValue(position)])
        guard let uuid = rows.first?.first, let event else { return true }
        return uuid == event
    }
}

/// What one step of the search index found.
package enum SearchStep: Sendable {
    /// Nothing was left.
    case nothing
    /// Less than a step takes: what is left came meanwhile.
    case part
    /// As much as a step takes, or the index was made anew.
    case full
}

extension Storage {
    /// How many events one step of the index reads: many at a time cost less, and hold up an index that shares the
    /// writer with the log.
    private var searchStep: Int { engine.dialect.search.isApart ? 2000 : 500 }

    /// What one step has to do.
    private struct SearchNews {
        var head: SearchHead
        var isOfLog: Bool
        var events: [LogEvent] = []
        /// Messages that were removed from the log.
        var removed: [Position] = []
    }

    /// Lets full-text search follow the log by one step, in a task of its own and outside any message's commit.
    ///
    /// A caller that comes during a step waits for it. `text` gives the words of a message's content, `nil` for one
    /// without text.
    ///
    /// A step costs much the same for one message as for dozens, so a caller that is in no hurry stops after one that
    /// was not full.
    package func indexForSearch(
        text: @escaping @Sendable ([UInt8]) -> String?
    ) async throws(StorageError) -> SearchStep {
        let step = currentSearchStep.withLock { current in
            if let current { return current }
            let step = Task { () -> Result<SearchStep, StorageError> in
                defer { self.currentSearchStep.withLock { $0 = nil } }
                do throws(StorageError) {
                    return .success(try await self.makeSearchStep(text: text))
                } catch {
                    return .failure(error)
                }
            }
            current = step
            return step
        }
        return try await step.value.get()
    }

    private func makeSearchStep(text: ([UInt8]) -> String?) async throws(StorageError) -> SearchStep {
        let head = try await onSearchIndex { (index) async throws(StorageError) in
            try await read(.chores, on: index) { connection in
                try SearchHead(on: connection, of: self.engine.dialect.search)
            }
        }
        guard let head else { return .nothing }
        let limit = searchStep
        let news = try await read(.chores) { connection in
            try Self.searchNews(after: head, limit: limit, on: connection)
        }
        guard news.isOfLog else {
            try await engine.remakeSearchIndex()
            return .full
        }
        guard !news.events.isEmpty || !news.removed.isEmpty else { return .nothing }
        let statements = searchChanges(for: news, text: text)
        let last = news.events.last
        let moved = try await onSearchIndex { (index) async throws(StorageError) in
            try await write(.chores, on: index) { connection in
                // Another node may have been here, which read another state of the log.
                let moved = try connection.execute(
                    "UPDATE search_head SET position = $1, event = $2, step = step + 1 WHERE id = 1 AND step = $3",
                    [
                        SQLValue(last?.position ?? head.position),
                        last.map { SQLValue($0.uuid) } ?? head.event ?? .null, .int(head.step),
                    ])
                if moved == 1 { _ = try connection.rows(pipelined: statements) }
                return moved == 1
            }
        }
        if moved == true, !news.removed.isEmpty {
            try await write(.chores) { connection in
                _ = try connection.execute(
                    """
                    DELETE FROM search_removals WHERE position IN (SELECT number FROM \(self.engine.dialect.numbers) n)
                    """, [.numbers(news.removed.map(\.rawValue))])
            }
        }
        return news.events.count < limit && news.removed.count < limit ? .part : .full
    }

    private static func searchNews(
        after head: SearchHead, limit: Int, on connection: any SQLConnection
    ) throws(StorageError) -> SearchNews {
        var news = SearchNews(head: head, isOfLog: try head.isOfLog(on: connection))
        guard news.isOfLog else { return news }
        news.events = try events(after: head.position, limit: limit, on: connection)
        for row in try connection.rows(
            "SELECT position FROM search_removals ORDER BY position LIMIT $1", [SQLValue(limit: limit)])
        {
            var reader = RowReader(row)
            news.removed.append(try reader.position())
        }
        return news
    }

    /// What the step changes; of several changes of one message the last alone, so that what was deleted meanwhile is
    /// never written.
    private func searchChanges(for news: SearchNews, text: ([UInt8]) -> String?) -> [SQLStatement] {
        var words: [Position: String] = [:]
        var added: Set<Position> = []
        var hasRemovals = !news.removed.isEmpty
        for event in news.events {
            switch event.kind {
            case .message:
                words[event.position] = text(event.content).map(SearchWords.folded) ?? ""
                added.insert(event.position)
            case .edit:
                words[event.replaces ?? event.position] = text(event.content).map(SearchWords.folded) ?? ""
                hasRemovals = true
            case .deletion:
                for message in event.deletedMessages { words[message] = "" }
                hasRemovals = true
            case .flow, .join, .leave, .user, .session, .contact, .key, .admin, .invite: continue
            }
        }
        for message in news.removed { words[message] = "" }
        let search = engine.dialect.search
        var statements: [SQLStatement] = []
        for (message, words) in words.sorted(by: { $0.key < $1.key }) {
            let isNew = added.contains(message)
            if !words.isEmpty {
                let put = isNew ? search.add : search.replace
                statements.append(SQLStatement(put, [SQLValue(message), .text(words)]))
            } else if !isNew {
                statements.append(SQLStatement(search.remove, [SQLValue(message)]))
            }
        }
        if hasRemovals, let note = search.noteRemoval { statements.append(SQLStatement(note)) }
        return statements
    }

    /// Lets the index forget at once, and for good, the words of what was deleted.
    package func sweepSearchIndex(
        text: @escaping @Sendable ([UInt8]) -> String?
    ) async throws(StorageError) {
        while try await indexForSearch(text: text) != .nothing {
            if Task.isCancelled { throw StorageError(.unavailable, "The search index was not swept: cancelled.") }
        }
        _ = try await onSearchIndex { (_) async throws(StorageError) in try await self.engine.sweepSearchIndex() }
    }

    /// Uses the index; `nil` if there is none.
    ///
    /// It holds nothing that the log does not: one that is damaged is made anew, and fills up again.
    func onSearchIndex<Value: Sendable>(
        _ body: (any StorageEngine) async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value? {
        guard let index = try await engine.searchIndex() else { return nil }
        do {
            return try await body(index)
        } catch
            where engine.dialect.search.isApart && [.unusable, .inDoubt, .needsMigration].contains(error.code)
        {
            try await engine.remakeSearchIndex()
            throw StorageError(
                .unavailable, "The search index was damaged, and is made anew. Try again.",
                cause: error.cause ?? error.message)
        }
    }
}

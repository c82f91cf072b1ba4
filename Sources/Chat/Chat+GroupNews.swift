// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// What is new for a device whose protocol tells of groups in words.
package struct GroupUpdates: Sendable {
    /// Messages from the principal's stays in flows.
    package var messages: [MissedMessage]
    /// Joins, leaves and openings, each with a position up to `cursor`.
    package var news: [GroupNews]
    /// Everything up to here is in this page or was in one before.
    package var cursor: Position
    /// More follows after `cursor`.
    package var isCut: Bool
}

extension Chat {
    /// New messages as `missed` gives them, and what happened to the principal's places in groups.
    package func groupUpdates(
        for principal: Principal, after position: Position, limit: Int
    ) async throws(ChatError) -> GroupUpdates {
        let missed = try await missed(for: principal, after: position, limit: limit)
        let news = try await reading {
            try await storage.groupNews(of: principal.user, after: position, upTo: missed.cursor)
        }
        return GroupUpdates(
            messages: missed.messages, news: news.filter { $0.position <= missed.cursor }, cursor: missed.cursor,
            isCut: missed.isCut)
    }
}

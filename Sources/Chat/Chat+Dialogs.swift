// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Where a page of a flow's history ends; what it names is not in the page.
package enum HistoryBound: Sendable, Equatable {
    /// The newest message is the last one.
    case newest
    case message(Identifier)
    /// Only what is older.
    case time(Timestamp)
}

/// For protocols that name a chat by the other side.
extension Chat {
    /// What is remembered of an account, at once; `nil` when it would have to be read.
    package func knownPerson(_ id: UserID) -> Person? {
        directory.person(id)
    }

    /// The one chat of the principal and another account, if they have one; nothing is made.
    package func existingDirectFlow(
        with person: Person, by principal: Principal
    ) async throws(ChatError) -> FlowAccess? {
        guard person.id != principal.user else { return nil }
        let pair = UserPair(principal.user, person.id)
        if let known = cache.chat(of: pair) {
            do {
                return try await visibleFlow(known, to: principal)
            } catch .noSuchFlow {
                // It was deleted since; there may be another one.
            }
        }
        let found = try await reading { try await storage.chatFlow(between: principal.user, and: person.id) }
        guard let found else { return nil }
        cache.remember(found, of: pair)
        do {
            return try await visibleFlow(found.uuid, to: principal)
        } catch .noSuchFlow {
            return nil
        }
    }

    /// The number after the last message before a bound, for `history(of:before:limit:for:)`.
    ///
    /// - Parameters:
    ///   - bound: The end of the page.
    ///   - flow: A flow with what the principal may read of it.
    /// - Returns: 0 when nothing comes before it.
    /// - Throws: `.noSuchMessage` for a message of another flow; `.noSuchFlow`.
    package func historyEnd(at bound: HistoryBound, of flow: ReadableFlow) async throws(ChatError) -> Int64 {
        let id = flow.access.id
        if case .message(let uuid) = bound {
            let message = try await reading { try await storage.message(uuid: uuid) }
            guard let message, message.flow == id else { throw .noSuchMessage }
            return message.number
        }
        let count = try await messageCount(of: flow)
        guard case .time(let time) = bound else { return count }
        return try await reading { try await storage.number(ofFirstMessageIn: id, atOrAfter: time, count: count) }
    }
}

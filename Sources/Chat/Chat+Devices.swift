// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// A message for one reader, who catches up.
package struct MissedMessage: Sendable {
    package var flow: FlowAccess
    package var message: LiveMessage
    /// What was encrypted for the reader alone.
    package var body: MessageBody?
}

/// Messages after a cursor.
package struct MissedMessages: Sendable {
    /// In the order of the log.
    package var messages: [MissedMessage]
    /// Everything up to here is in this page or was in one before.
    package var cursor: Position
    /// More follows after `cursor`.
    package var isCut: Bool
}

extension Chat {
    /// Where a device goes on that has no cursor of its own; a new one begins at the account's creation, at most the
    /// backlog of the settings back.
    ///
    /// `device` is its name among the account's, such as a protocol's. A new one that has a `family`, devices whose
    /// names begin so, begins where the one of them is that has read farthest.
    package func startPosition(
        of device: String, family: String? = nil, for principal: Principal
    ) async throws(ChatError) -> Position {
        try await reading {
            if let known = try await cursors.position(of: principal.user, device: device) { return known }
            if let family,
                let farthest = try await cursors.farthestPosition(of: principal.user, devices: family)
            {
                return farthest
            }
            return try await storage.startPosition(of: principal.user, device: device, backlog: policy.backlog)
        }
    }

    /// New messages after a position from the principal's stays in flows; edits and deletions are already applied.
    package func missed(
        for principal: Principal, after position: Position, limit: Int
    ) async throws(ChatError) -> MissedMessages {
        let page = try await reading {
            try await storage.updates(
                for: principal.user, after: position, limit: limit, wholeSeconds: false, .pushed, accounts: false,
                bodies: true)
        }
        // An edit of an older message is no new message.
        let new = page.messages.filter { page.new.contains($0.position) }
        return MissedMessages(
            messages: try await missed(new.sorted { $0.position < $1.position }), cursor: page.cursor,
            isCut: page.isCut)
    }

    /// Messages of a flow before a number, the newest `limit` of them, oldest first.
    ///
    /// A page of large messages ends early: ask again for those from the last one on. Without a `number` they are the
    /// last ones. The principal's own part of what was encrypted is with them. Refusals: `.noSuchFlow`.
    package func history(
        of flow: Identifier, before number: Int64?, limit: Int, for principal: Principal
    ) async throws(ChatError) -> [MissedMessage] {
        try admit(.read, by: principal)
        let flow = try await readableFlow(flow, for: principal)
        let found = try await reading {
            try await storage.messages(in: flow.access.id, reader: principal.user, asOf: flow.end) { count in
                let end = min(max(number ?? count, 0), count)
                return max(0, end - Int64(max(limit, 1)))..<end
            }
        }
        guard let found else { throw .noSuchFlow }
        return try await missed(found.page.messages)
    }

    private func missed(_ records: [MessageRecord]) async throws(ChatError) -> [MissedMessage] {
        var messages: [MissedMessage] = []
        for (record, shown) in zip(records, await Message.shown(records)) {
            messages.append(
                MissedMessage(
                    flow: try await access(to: record.flow),
                    message: LiveMessage(
                        position: record.position, number: record.number, uuid: record.uuid, time: record.time,
                        sender: try await person(record.sender), content: shown.content),
                    body: record.body))
        }
        return messages
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A message that another server has kept, with the time at which it was written there.
package struct ImportedMessage: Sendable {
    /// Of its event; the same message has the same one at every import.
    package var uuid: Identifier
    package var flow: FlowID
    package var author: UserID
    package var time: Timestamp
    package var content: [UInt8]
    package var blobs: [NewBlob]
    package var bodies: [NewBody]

    package init(
        uuid: Identifier, flow: FlowID, author: UserID, time: Timestamp, content: [UInt8], blobs: [NewBlob],
        bodies: [NewBody] = []
    ) {
        self.uuid = uuid
        self.flow = flow
        self.author = author
        self.time = time
        self.content = content
        self.blobs = blobs
        self.bodies = bodies
    }
}

extension LogTransaction {
    /// Appends messages with their own times, the oldest first.
    ///
    /// Where the first is older than the newest event, the log's time steps back (`LogStep`), once for each run of imported
    /// messages: what comes afterwards has the time of the clock again.
    mutating func importMessages(_ write: Write, _ messages: [ImportedMessage]) throws(Failure) -> Receipt {
        var pairs: Set<Pair> = []
        for message in messages {
            pairs.insert(Pair(flow: message.flow, user: message.author))
            for body in message.bodies { pairs.insert(Pair(flow: message.flow, user: body.recipient)) }
        }
        let access = try changing { log in try log.access(of: pairs) }
        guard messages.allSatisfy({ access[Pair(flow: $0.flow, user: $0.author)] != nil }) else {
            throw .refusal(.noSuchFlow)
        }
        // Those of one time stay in their order.
        let sorted = messages.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
        guard let first = sorted.first else { return nothingDone }
        try storing { try stepBack(to: first.time) }
        var bodyRows: [SQLRow] = []
        for message in sorted {
            var single = write
            single.uuid = message.uuid
            single.author = message.author
            let event = appendFlowEvent(single, .message, to: message.flow, content: message.content, at: message.time)
            try storing {
                if !message.blobs.isEmpty { try store(message.blobs, at: event.position) }
            }
            bodyRows += rows(of: message.bodies, at: event.position, in: message.flow, access: access)
        }
        if !bodyRows.isEmpty { try storing { try connection.insert(Self.bodyInsertion, rows: bodyRows) } }
        return Receipt(position: position, time: time)
    }

    /// Lets the log's time begin again at an earlier one, if the newest event is later.
    private func stepBack(to time: Timestamp) throws(StorageError) {
        let last = events.last?.time ?? before
        guard time < last else { return }
        try connection.execute(
            """
            INSERT INTO log_steps (position, before_ms, after_ms) VALUES ($1, $2, $3)
            ON CONFLICT (position) DO UPDATE SET after_ms = excluded.after_ms
            """, [.int(position.rawValue + 1), SQLValue(last), SQLValue(time)])
    }
}

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

extension Write {
    /// Appends messages of another server with the times that they had there, the oldest first.
    ///
    /// No account's rights are asked: the author of one may have left since. Where the first is older than the newest
    /// event, the log's time steps back (`LogStep`), once for each run of imported messages: what comes afterwards has
    /// the time of the clock again.
    package struct ImportMessages: LogWrite {
        let messages: [ImportedMessage]

        package init(_ messages: [ImportedMessage]) {
            self.messages = messages
        }

        package func apply(to log: inout LogTransaction) throws {
            var pairs: Set<LogTransaction.Pair> = []
            for message in messages {
                pairs.insert(LogTransaction.Pair(flow: message.flow, user: message.author))
                for body in message.bodies {
                    pairs.insert(LogTransaction.Pair(flow: message.flow, user: body.recipient))
                }
            }
            try log.loadAccess(of: pairs)
            guard messages.allSatisfy({ log.access(of: $0.author, in: $0.flow) != nil }) else {
                throw WriteRefusal.noSuchFlow
            }
            // Those of one time stay in their order.
            let sorted = messages.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
                .map(\.element)
            guard let first = sorted.first else { return }
            try log.stepBack(to: first.time)
            for message in sorted {
                log.origin.uuid = message.uuid
                log.origin.author = message.author
                let position = log.append(.message, to: message.flow, content: message.content, at: message.time)
                try log.store(message.blobs, at: position)
                log.store(message.bodies, at: position, in: message.flow)
            }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Storage

/// A message that waits for its batch.
package struct PendingMessage: Sendable {
    package let uuid: Identifier
    let pending: PendingWrite<Write.SendMessage.Result>

    /// Whether `Chat.receipt(of:)` returns at once.
    package var isSettled: Bool { pending.outcomeIfKnown != nil }
}

/// A message that was counted as a write of its author: what it needs may be looked up.
package struct CountedMessage: Sendable {
    /// Its name: a connection knows its own messages by it, however early they come back to it.
    package let uuid: Identifier
    let author: Principal
}

/// What became of a message that was submitted: where it is in the log, or why it is not.
package typealias MessageOutcome = Result<Receipt<Write.SendMessage.Result>, ChatError>

/// Some messages of a flow.
package struct MessageList: Sendable {
    package var messages: [Message]
    /// How many messages the flow has.
    package var total: Int64
    /// Where the list begins and ends among them.
    package var range: Range<Int64>
    /// The flow has more messages than were asked for or fit.
    package var isCut: Bool
}

extension Chat {
    /// Checks a message and puts it into the next batch; waits only for what is not in memory.
    ///
    /// Messages enter the log in the order in which these calls return. Refusals: `.noSuchFlow`, `.notAllowed`,
    /// `.tooLong`, `.nullCharacter`, `.busy`.
    package func submit(
        _ content: MessageContent, to flow: Identifier, by principal: Principal
    ) async throws(ChatError) -> PendingMessage {
        try await submit(content, to: visibleFlow(flow, to: principal), by: principal)
    }

    /// The same for a flow that the principal was found to see; `bodies` are what was encrypted for one recipient each.
    ///
    /// Of an encrypted message `content` is what everybody else sees. Refusals: `.notAllowed`, `.tooLong`,
    /// `.nullCharacter`, `.busy`.
    package func submit(
        _ content: MessageContent, bodies: [NewBody] = [], to access: FlowAccess, by principal: Principal
    ) async throws(ChatError) -> PendingMessage {
        let counted = try count(messageBy: principal)
        let (message, size) = try await prepared(content, bodies: bodies, to: access, by: principal)
        let pending = try await refunding(size, to: principal) {
            try submit(message, by: principal.user, over: principal.protocol, uuid: counted.uuid)
        }
        return PendingMessage(uuid: counted.uuid, pending: pending)
    }

    // MARK: For connections

    /// A name for a message that is about to be submitted: a connection knows its own messages by it, however early
    /// they come back to it.
    package func newMessageIdentifier() -> Identifier { newEventIdentifier() }

    /// Checks a message and puts it into the next batch at once, if nothing has to be read or stored for that.
    ///
    /// - Parameters:
    ///   - content: The message; of an encrypted one what everybody else sees.
    ///   - bodies: What was encrypted for one recipient each.
    ///   - uuid: A ``newMessageIdentifier()``.
    ///   - access: A flow that the principal was found to see.
    ///   - principal: Whose message it is.
    ///   - executor: Where `completion` is called, once, after the commit; those of a batch in their order.
    ///   - completion: Gets what became of it.
    /// - Returns: `false` if something has to be read first: nothing was done, the asynchronous `submit` does it.
    /// - Throws: `.notAllowed`, `.tooLong`, `.nullCharacter`, `.tooManyRequests`, `.busy`: it is not sent.
    package func submitAtOnce(
        _ content: MessageContent, bodies: [NewBody] = [], as uuid: Identifier, to access: FlowAccess,
        by principal: Principal, on executor: any TaskExecutor,
        completion: @escaping @Sendable (MessageOutcome) -> Void
    ) throws(ChatError) -> Bool {
        try content.check()
        try checkMayWrite(to: access, principal)
        let (bytes, blobs) = content.encoded()
        let size = Self.size(of: bytes, blobs, bodies)
        guard !blobs.contains(where: Self.isLarge), let mayStore = mayStoreNow(size, by: principal) else {
            return false
        }
        try admit(.write, by: principal)
        try spend(size, by: principal, isAllowed: mayStore)
        try submit(
            Write.SendMessage(flow: access.id, content: bytes, blobs: blobs, bodies: bodies), taking: size,
            by: principal, uuid: uuid, on: executor, completion: completion)
        return true
    }

    /// Counts a message for which something may have to be looked up, before that is done.
    ///
    /// - Throws: `.tooManyRequests`.
    package func count(messageBy principal: Principal) throws(ChatError) -> CountedMessage {
        try admit(.write, by: principal)
        return CountedMessage(uuid: newEventIdentifier(), author: principal)
    }

    /// The same for a message that may have to wait for the store before it can be submitted.
    package func submit(
        _ content: MessageContent, bodies: [NewBody] = [], as counted: CountedMessage, to access: FlowAccess,
        on executor: any TaskExecutor, completion: @escaping @Sendable (MessageOutcome) -> Void
    ) async throws(ChatError) {
        let author = counted.author
        let (message, size) = try await prepared(content, bodies: bodies, to: access, by: author)
        try submit(message, taking: size, by: author, uuid: counted.uuid, on: executor, completion: completion)
    }

    /// Submits a message that was given its room, which it gives back if it is not stored.
    private func submit(
        _ message: Write.SendMessage, taking size: Int, by principal: Principal, uuid: Identifier,
        on executor: any TaskExecutor, completion: @escaping @Sendable (MessageOutcome) -> Void
    ) throws(ChatError) {
        do throws(ChatError) {
            try submit(message, by: principal, uuid: uuid, on: executor) { outcome in
                if case .failure(let error) = outcome { self.refund(size, to: principal, after: error) }
                completion(outcome)
            }
        } catch {
            refund(size, to: principal, after: error)
            throw error
        }
    }

    private func checkMayWrite(to access: FlowAccess, _ principal: Principal) throws(ChatError) {
        guard access.mayWrite(principal.user) else { throw .notAllowed("Only the owner writes in a channel.") }
    }

    /// Checks a message, gives it its room, and stores what is too large for a batch.
    private func prepared(
        _ content: MessageContent, bodies: [NewBody], to access: FlowAccess, by principal: Principal
    ) async throws(ChatError) -> (message: Write.SendMessage, size: Int) {
        try checkTakesWrites(over: principal.protocol)
        try content.check()
        try checkMayWrite(to: access, principal)
        let (bytes, blobs) = content.isLarge ? await offLoop { content.encoded() } : content.encoded()
        let size = Self.size(of: bytes, blobs, bodies)
        try await spend(size, by: principal)
        let stored = try await refunding(size, to: principal) {
            try await storingLarge(blobs)
        }
        return (Write.SendMessage(flow: access.id, content: bytes, blobs: stored, bodies: bodies), size)
    }

    /// What a message takes of its author's room.
    private static func size(of content: [UInt8], _ blobs: [NewBlob], _ bodies: [NewBody]) -> Int {
        content.count + blobs.reduce(0) { $0 + ($1.bytes?.count ?? 0) } + bodies.reduce(0) { $0 + $1.body.count }
    }

    private static func isLarge(_ blob: NewBlob) -> Bool { (blob.bytes?.count ?? 0) > Blobs.maximumInBatchBytes }

    /// Stores those that are too large for a batch ahead of it.
    ///
    /// - Throws: Never `.outcomeUnknown`: what refers to them is not in the log, and without that they are removed
    ///   again.
    func storingLarge(_ blobs: [NewBlob]) async throws(ChatError) -> [NewBlob] {
        var blobs = blobs
        for index in blobs.indices {
            guard Self.isLarge(blobs[index]), let large = blobs[index].bytes else { continue }
            let sha256 = blobs[index].sha256
            do throws(ChatError) {
                try await reading { try await storage.storeBlob(sha256: sha256, bytes: large) }
            } catch {
                throw error == .outcomeUnknown ? .storageUnavailable : error
            }
            blobs[index].bytes = nil
        }
        return blobs
    }

    /// Notes that the server opens messages of a flow for others: it is end-to-end no more.
    package func markBridged(_ flow: FlowAccess, over protocol: String?) async throws(ChatError) {
        guard !flow.isBridged else { return }
        _ = try await write(Write.MarkBridged(flow.id), by: nil, over: `protocol`)
    }

    /// Waits until a message is durable.
    package func receipt(
        of message: PendingMessage
    ) async throws(ChatError) -> Receipt<Write.SendMessage.Result> {
        try await receipt(of: message.pending)
    }

    /// Gives a message another text, emoji or other files.
    ///
    /// What is `nil` or missing stays; an empty emoji or file is taken away.
    package func edit(
        _ message: Identifier, text: String?, emoji: String? = nil, files: [MessageContent.File: JSONText] = [:],
        by principal: Principal
    ) async throws(ChatError) -> Receipt<Int64> {
        try checkTakesWrites(over: principal.protocol)
        var changed = MessageContent(text: text ?? "", emoji: emoji, files: files)
        try changed.check()
        try admit(.write, by: principal)
        let record = try await visibleMessage(message, to: principal)
        guard record.sender == principal.user else { throw .notAllowed("Only the author may change a message.") }
        if text == nil { changed.text = Message(record).content.text }
        let edit = changed
        let (content, beside) = edit.isLarge ? await offLoop { edit.encodedEdit() } : edit.encodedEdit()
        let size = content.count + beside.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
        try await spend(size, by: principal)
        let receipt = try await refunding(size, to: principal) {
            try await write(
                Write.EditMessage(
                    flow: record.flow, message: record.position, content: content, blobs: storingLarge(beside)),
                by: principal)
        }
        refund(receipt.result, to: principal.user)
        return receipt
    }

    /// Deletes a message, which must be in `flow`: what it said is overwritten.
    package func delete(
        _ message: Identifier, in flow: Identifier, by principal: Principal
    ) async throws(ChatError) -> Receipt<Int64> {
        try admit(.write, by: principal)
        let access = try await visibleFlow(flow, to: principal)
        let record = try await visibleMessage(message, to: principal)
        guard record.flow == access.id else { throw .noSuchMessage }
        guard record.sender == principal.user else { throw .notAllowed("Only the author may delete a message.") }
        let receipt = try await write(Write.DeleteMessage(flow: record.flow, message: record.position), by: principal)
        refund(receipt.result, to: principal.user)
        return receipt
    }

    private func visibleMessage(_ uuid: Identifier, to principal: Principal) async throws(ChatError) -> MessageRecord {
        let record = try await reading { try await storage.message(uuid: uuid) }
        guard let record else { throw .noSuchMessage }
        do {
            _ = try await visibleFlow(record.flowUUID, to: principal)
        } catch .noSuchFlow {
            throw .noSuchMessage
        }
        return record
    }

    /// The messages of a flow by number, from 0, the end not included; clamped to what there is.
    ///
    /// Messages before `time` are left out. Refusals: `.noSuchFlow`; `.rangeTooLarge` for more than `limit`.
    package func messages(
        in flow: Identifier, numbers range: Range<Int64>, since time: Timestamp?, limit: Int, for principal: Principal
    ) async throws(ChatError) -> MessageList {
        try admit(.read, by: principal)
        let flow = try await readableFlow(flow, for: principal)
        guard range.upperBound - range.lowerBound <= Int64(limit) else { throw .rangeTooLarge(limit: limit) }
        let found = try await reading {
            try await storage.messages(in: flow.access.id, asOf: flow.end) { range.clamped(to: 0..<max($0, 0)) }
        }
        guard let found else { throw .noSuchFlow }
        var page = found.page
        if let time { page.messages.removeAll { $0.time < time } }
        return MessageList(
            messages: await Message.shown(page.messages), total: found.total, range: found.range,
            isCut: page.isCut || found.total > Int64(limit))
    }

    /// The first `limit` messages since a time, and the rest of the last one's second.
    package func messages(
        in flow: Identifier, since time: Timestamp, limit: Int, for principal: Principal
    ) async throws(ChatError) -> MessageList {
        try admit(.read, by: principal)
        let flow = try await readableFlow(flow, for: principal)
        let id = flow.access.id
        let total = try await messageCount(of: flow)
        let first = try await reading { try await storage.number(ofFirstMessageIn: id, atOrAfter: time, count: total) }
        var page = try await reading {
            try await storage.messages(in: id, numbers: first..<min(first + Int64(limit), total), asOf: flow.end)
        }
        if !page.isCut, page.messages.count == limit, let last = page.messages.last {
            let end = try await reading {
                try await storage.number(
                    ofFirstMessageIn: id, atOrAfter: Timestamp(seconds: last.time.seconds + 1), count: total)
            }
            let rest = last.number + 1..<min(max(end, last.number + 1), last.number + 1 + Int64(Storage.maximumUpdates))
            if !rest.isEmpty {
                let more = try await reading { try await storage.messages(in: id, numbers: rest, asOf: flow.end) }
                page.messages += more.messages
                page.isCut = more.isCut
            }
        }
        let end = (page.messages.last?.number).map { $0 + 1 } ?? first
        return MessageList(
            messages: await Message.shown(page.messages), total: total, range: first..<end, isCut: end < total)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What the session is shown unasked: messages of the log, live or read, and news of contacts.
extension SkaroSession {
    /// How often it is looked how much of what was written has arrived.
    private static let lookPause = TimeAmount.seconds(1)

    func deliver(_ delivery: SkaroDelivery) {
        guard feed != nil, let connection, let reader, connection.isOpen, !isEnding, !isOver() else { return }
        switch delivery {
        case .hint: reader.hinted()
        case .passed(let span):
            if reader.takes(span, isReady: true) { noteWritten(span.upperBound) } else { reader.readIfDue() }
        case .messages(let frames, let run):
            guard reader.takes(run.span, isReady: connection.isWritable) else { return reader.readIfDue() }
            for (frame, message) in zip(frames, run.messages) where feed?.shows(message) == true {
                connection.write(frame: frame)
            }
            noteWritten(run.last)
            connection.flush()
        }
    }

    /// What the operator has to say to everybody, from any thread.
    func announced(_ message: String) {
        core.eventLoop?.execute {
            guard let connection = self.connection, connection.isWritable, self.feed != nil, !self.isEnding else {
                return
            }
            self.write(.info(message))
            connection.flush()
        }
    }

    /// The peer keeps up again, or the session has just begun.
    func catchUp() {
        writeChanges()
        reader?.readIfDue()
    }

    // MARK: Reading

    var mayRead: Bool {
        guard let connection, connection.isOpen, connection.isWritable else { return false }
        return feed != nil && !isEnding
    }

    func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard let principal = feed?.principal else { return nil }
        let page = try await service.chat.missed(
            for: principal, after: position, limit: service.options.messagesPerAnswer)
        let messages = try await requests.messages(page.messages)
        guard feed?.principal == principal, let connection, !isEnding, !isOver() else { return nil }
        let rest = show(messages, of: page.messages, on: connection)
        noteWritten(rest ?? page.cursor)
        connection.flush()
        return (rest ?? page.cursor, rest != nil || page.isCut)
    }

    /// Writes messages as long as the peer keeps up.
    ///
    /// - Parameters:
    ///   - messages: What to show.
    ///   - entries: The same as they are in the log.
    ///   - connection: Where to.
    /// - Returns: The position of the last one that was written, if some were not.
    private func show(
        _ messages: [SkaroMessage], of entries: [MissedMessage], on connection: WebSocketConnection
    ) -> Position? {
        for (index, entry) in entries.enumerated() {
            if feed?.shows(entry.message) == true {
                write(.showMessage(messages[index]))
                noteWritten(entry.message.position)
            }
            if !connection.isWritable, index + 1 < entries.count { return entry.message.position }
        }
        return nil
    }

    /// Whether the session has expired; then the connection is cut.
    private func isOver() -> Bool {
        guard let principal = feed?.principal, service.chat.isExpired(principal) else { return false }
        cut("The session is over. Log in again.")
        return true
    }

    // MARK: How much has arrived

    private func noteWritten(_ position: Position) {
        guard let connection, let principal = feed?.principal else { return }
        if let arrived = feed?.wrote(position, upTo: connection.writtenBytes) { note(arrived, of: principal) }
        scheduleLook()
    }

    /// Moves the session's cursor to what the peer's TCP has acknowledged.
    func noteArrival() {
        guard let connection, let principal = feed?.principal, feed?.isWaiting == true,
            let position = feed?.acknowledged(connection.acknowledgedBytes)
        else { return }
        note(position, of: principal)
    }

    private func note(_ position: Position, of principal: Principal) {
        service.chat.cursors.note(principal.user, device: Self.device(of: principal), at: position)
    }

    private func scheduleLook() {
        guard look == nil, feed?.isWaiting == true, let connection else { return }
        look = connection.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.lookPause) {
            self.look = nil
            self.checkAcknowledgements()
        }
    }

    private func checkAcknowledgements() {
        guard feed != nil, !isOver() else { return }
        noteArrival()
        scheduleLook()
    }

    // MARK: Contacts

    /// The newest of each person counts; what cannot be written yet waits, at most one for each contact.
    func contactsChanged(_ news: [WatchedChange]) {
        for change in news { changes[change.person.id] = change }
        writeChanges()
    }

    private func writeChanges() {
        guard feed != nil, let connection, connection.isOpen, connection.isWritable, !changes.isEmpty, !isOver()
        else { return }
        for change in changes.values {
            write(.changedUserData(SkaroUser(change.person, isOnline: change.isOnline)))
        }
        changes = [:]
        connection.flush()
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What the session is shown unasked: messages of the log, live or read, and news of contacts.
extension SkaroSession {
    /// How often it is looked how much of what was written has arrived, and a read that failed is repeated.
    private static let lookPause = TimeAmount.seconds(1)

    func deliver(_ delivery: SkaroDelivery) {
        guard feed != nil, let connection, connection.isOpen, !isEnding, !isOver() else { return }
        switch delivery {
        case .hint: hinted()
        case .messages(let frames, let run):
            if takes(run, connection) {
                for (frame, message) in zip(frames, run.messages) where feed?.shows(message) == true {
                    connection.write(frame: frame)
                }
                noteWritten()
                connection.flush()
            } else {
                readIfDue()
            }
        }
    }

    private func takes(_ run: LiveRun, _ connection: WebSocketConnection) -> Bool {
        // Which of them are this connection's own is known when they are submitted.
        let isUnclear = isSubmitting && run.messages.contains { $0.sender.id == feed?.principal.user }
        return feed?.takes(run, isReady: connection.isWritable && !isUnclear) ?? false
    }

    /// Something may be new in the log.
    func hinted() {
        feed?.hinted()
        readIfDue()
    }

    /// The peer keeps up again, or the session has just begun.
    func catchUp() {
        writeChanges()
        readIfDue()
    }

    // MARK: Reading

    private func readIfDue() {
        guard let connection, connection.isOpen, !isEnding, connection.isWritable, feed?.start() == true else { return }
        Task(executorPreference: connection.taskExecutor) { await self.readAll() }
    }

    private func readAll() async {
        while let connection, connection.isWritable, let principal = feed?.principal, let position = feed?.next() {
            let goesOn = await service.chat.pages.page { () async in
                await self.readPage(for: principal, after: position, on: connection)
            }
            if !goesOn { break }
        }
        feed?.stop()
    }

    /// Shows a page of the log, as far as the peer keeps up.
    ///
    /// - Returns: Whether to look for the next one.
    private func readPage(
        for principal: Principal, after position: Position, on connection: WebSocketConnection
    ) async -> Bool {
        do throws(ChatError) {
            let page = try await service.chat.missed(
                for: principal, after: position, limit: service.options.messagesPerAnswer)
            let messages = try await SkaroMethods(service: service, origin: origin).messages(page.messages)
            await allSubmitted()
            guard feed != nil, !isEnding, !isOver() else { return false }
            if let rest = show(messages, of: page.messages, on: connection) {
                feed?.arrived(at: rest, more: true)
            } else {
                feed?.arrived(at: page.cursor, more: page.isCut)
            }
            noteWritten()
            connection.flush()
            return true
        } catch {
            // Its cause is in the log; the next look tries again from the same place.
            feed?.hinted()
            scheduleLook()
            return false
        }
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
                feed?.wrote(entry.message.position, upTo: connection.writtenBytes)
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

    private func noteWritten() {
        guard let connection else { return }
        feed?.wrote(upTo: connection.writtenBytes)
        scheduleLook()
    }

    /// Moves the session's cursor to what the peer's TCP has acknowledged.
    func noteArrival() {
        guard let connection, let principal = feed?.principal,
            let position = feed?.acknowledged(connection.acknowledgedBytes)
        else { return }
        service.chat.cursors.note(principal.user, device: Self.device(of: principal), at: position)
    }

    private func scheduleLook() {
        guard look == nil, let connection else { return }
        look = connection.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.lookPause) {
            self.look = nil
            self.checkAcknowledgements()
        }
    }

    private func checkAcknowledgements() {
        guard feed != nil, !isOver() else { return }
        noteArrival()
        if self.feed?.isWaiting == true { scheduleLook() }
        readIfDue()
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

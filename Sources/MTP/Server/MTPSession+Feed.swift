// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What is pushed: what happens live, and what is read from the log.
extension MTPSession {
    func deliver(_ delivery: MTPDelivery) {
        guard let connection, let reader, connection.isOpen, !isEnding, !endIfExpired() else { return }
        switch delivery {
        case .hint: reader.hinted()
        case .messages(let frame, let run):
            let own = feed.ownMessages(in: run)
            guard reader.takes(run.span, isReady: connection.isWritable) else { return reader.readIfDue() }
            if own == 0 {
                connection.write(frame: frame)
            } else if own < run.messages.count {
                let others = run.messages.filter { !feed.isOwn($0.uuid) }
                write(pushing: MTPData(others, of: run, time: service.time), upTo: run.last)
            }
            feed.forgetOwn(upTo: run.last)
            connection.flush()
        case .change(let frame, let change):
            // What a request causes that is no message is known when it is done.
            let isReady = connection.isWritable && pipeline?.isPerforming == false
            guard reader.takes(change.span, isReady: isReady) else { return reader.readIfDue() }
            show(change, frame, on: connection)
            feed.forgetOwn(upTo: change.span.upperBound)
        }
    }

    /// Writes what the account sees of a change and the connection did not cause.
    private func show(_ change: LiveChange, _ frame: PreparedFrame?, on connection: WebSocketConnection) {
        guard let frame, let principal = feed.principal, change.isVisible(to: principal.user) else { return }
        let others = change.excluding(feed.ownPositions)
        // What only the account itself may know is not in the frame for all.
        if others.positions.count == change.positions.count, !change.isAbout(principal.user) {
            connection.write(frame: frame)
        } else if let data = MTPData(others, for: principal, time: service.time) {
            write(pushing: data, upTo: change.span.upperBound)
        }
        connection.flush()
    }

    private func write(pushing data: MTPData, upTo cursor: Position) {
        connection?.write(text: MTPResponse(pushing: data, upTo: cursor, time: service.time).frame())
    }

    // MARK: What the operator says

    func announced(_ message: String) {
        core.eventLoop?.execute {
            self.announcement = message
            self.tellAnnouncement()
        }
    }

    func tellAnnouncement() {
        guard let announcement, let connection, connection.isOpen, connection.isWritable, !isEnding, feed.isWanted,
            let position = reader?.position
        else { return }
        self.announcement = nil
        var frame = MTPResponse(pushing: MTPData(time: service.time), upTo: position, time: service.time)
        frame.meta?.notice = announcement
        connection.write(text: frame.frame())
        connection.flush()
    }

    // MARK: Reading

    var mayRead: Bool {
        guard let connection, connection.isOpen, connection.isWritable, !isEnding else { return false }
        return feed.isWanted && pipeline?.isPerforming == false
    }

    func showPage(after cursor: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard let principal = feed.principal else { return nil }
        var updates = try await service.chat.updates(
            for: principal, after: cursor, limit: service.options.messagesPerAnswer, .pushed,
            excluding: feed.ownPositions)
        // The session may have ended, or pushing been switched off, meanwhile.
        guard !isEnding, feed.principal?.user == principal.user, !endIfExpired() else { return nil }
        // Committed after the read had begun.
        updates.messages.removeAll { feed.isOwn($0.uuid) }
        feed.forgetOwn(upTo: updates.cursor)
        if !updates.messages.isEmpty || !updates.flows.isEmpty || !updates.users.isEmpty {
            let page = MTPResponse(
                pushing: MTPRequests.data(updates, time: service.time, for: principal), upTo: updates.cursor,
                time: service.time)
            let frame = await encoded(page) ?? page.frame()
            guard !isEnding, feed.principal?.user == principal.user else { return nil }
            connection?.write(text: frame)
            connection?.flush()
        }
        return (updates.cursor, updates.isCut)
    }

    /// Whether the session that is pushed to has expired; then the connection ends.
    private func endIfExpired() -> Bool {
        guard let principal = feed.principal, service.chat.isExpired(principal) else { return false }
        end(.policyViolation, "The session has expired.")
        return true
    }
}

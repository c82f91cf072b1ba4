// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What the session is shown unasked.
extension MTPSession {
    /// How long a push waits that could not be read.
    private static let retryPause = TimeAmount.seconds(1)

    func newsArrived() {
        eventLoop?.execute { self.pushIfDue() }
    }

    func deliver(_ delivery: MTPDelivery) {
        guard let connection, connection.isOpen, !isEnding, !endIfExpired() else { return }
        switch delivery {
        case .hint: pushIfDue()
        case .messages(let frame, let run):
            // While the connection's own requests are in flight a read leaves out what they caused.
            if push.takes(run, isReady: inFlight == 0 && connection.isWritable) {
                connection.write(frame: frame)
                connection.flush()
            } else {
                readIfDue()
            }
        }
    }

    /// Starts a look into the log if there may be something to push and the peer keeps up.
    func pushIfDue() {
        guard let connection, connection.isOpen, !isEnding else { return }
        push.hinted()
        readIfDue()
    }

    private func readIfDue() {
        guard let connection, !isEnding, !isBusy, connection.isWritable, push.start() else { return }
        Task(executorPreference: connection.taskExecutor) { await self.pushAll() }
    }

    private func pushAll() async {
        while connection?.isWritable == true, !isEnding, let (principal, cursor) = push.next() {
            let goesOn = await service.chat.pages.page { () async in await self.pushPage(for: principal, after: cursor)
            }
            if !goesOn { break }
        }
        push.stop()
    }

    /// Shows a page of what happened.
    ///
    /// - Returns: Whether to look for the next one.
    private func pushPage(for principal: Principal, after cursor: Position) async -> Bool {
        do throws(ChatError) {
            var updates = try await service.chat.updates(
                for: principal, after: cursor, limit: service.options.messagesPerAnswer, .pushed,
                excluding: push.ownPositions)
            // The session may have ended, or pushing been switched off, meanwhile.
            guard !isEnding, push.principal?.user == principal.user, !endIfExpired() else { return false }
            // Committed after the read had begun.
            updates.messages.removeAll { push.isOwn($0.uuid) }
            guard push.arrived(at: updates.cursor, more: updates.isCut) else { return false }
            guard !updates.messages.isEmpty || !updates.flows.isEmpty || !updates.users.isEmpty else { return true }
            write(
                MTPResponse(
                    type: MTPMethod.getUpdate.rawValue, .ok, time: service.time,
                    data: MTPMethods.data(updates, time: service.time, for: principal),
                    meta: MTPMeta(push: true, since: MTPCursor(position: updates.cursor.rawValue).text)))
            connection?.flush()
            return true
        } catch {
            push.hinted()
            retryLater()
            return false
        }
    }

    /// Reads again from the same cursor when the store may have recovered; the next hint may come first.
    private func retryLater() {
        connection?.eventLoop.scheduleTask(in: Self.retryPause) { self.readIfDue() }
    }

    /// Whether the session that is pushed to has expired; then the connection ends.
    private func endIfExpired() -> Bool {
        guard let principal = push.principal, service.chat.isExpired(principal) else { return false }
        end(.policyViolation, "The session has expired.")
        return true
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What the client is shown unasked.
extension MessengerSession {
    func deliver(_ delivery: MessengerDelivery) {
        guard let logIn, connection?.isOpen == true, !isEnding else { return }
        guard !service.chat.isExpired(logIn.principal) else { return endSession() }
        switch delivery {
        case .hint: self.logIn?.cursor.hinted()
        case .messages(let messages, let run):
            let messages = messages.filter { $0.sender != logIn.principal.user }
            let count = messages.reduce(0) { $0 + $1.units.count }
            let isReady =
                logIn.isAnswered && hasRoom
                && (connection?.unacknowledgedUnits ?? 0) + count <= Self.maximumWaitingUnits
            if self.logIn?.cursor.takes(run, isReady: isReady) == true {
                for message in messages { push(message.units, of: logIn, reaching: message.position) }
                reached(run.last, by: logIn)
            }
        }
        readIfDue()
    }

    private func push(_ units: [ByteBuffer], of logIn: LogIn, reaching position: Position) {
        for (index, unit) in units.enumerated() {
            let isLast = index == units.count - 1
            write(unit, mark: isLast ? MessengerMark(user: logIn.principal.user, position: position) : nil)
        }
    }

    private func reached(_ position: Position, by logIn: LogIn) {
        let mark = MessengerMark(user: logIn.principal.user, position: position)
        if marks.reached(mark) { note(mark) }
    }

    func readIfDue() {
        guard let connection, connection.isOpen, !isEnding, logIn?.isAnswered == true, hasRoom,
            logIn?.cursor.start() == true, let logIn
        else { return }
        Task(executorPreference: connection.taskExecutor) { await self.readAll(of: logIn) }
    }

    private func retryLater() {
        guard retry == nil else { return }
        retry = eventLoop?.scheduleTask(in: Self.retryPause) {
            self.retry = nil
            self.readIfDue()
        }
    }

    /// Pushes what is in the log after the cursor, page after page, as long as the peer keeps up.
    private func readAll(of logIn: LogIn) async {
        while isCurrent(logIn), hasRoom, let position = self.logIn?.cursor.next() {
            let goesOn = await service.chat.pages.page { () async in await self.readPage(of: logIn, after: position) }
            if !goesOn { break }
        }
        if self.logIn?.key == logIn.key { self.logIn?.cursor.stop() }
    }

    private func isCurrent(_ logIn: LogIn) -> Bool {
        self.logIn?.key == logIn.key && connection?.isOpen == true && !isEnding
    }

    /// Pushes a page, as far as there is room for it: the rest stays in the log.
    ///
    /// - Returns: Whether to go on as long as there is room.
    private func readPage(of logIn: LogIn, after position: Position) async -> Bool {
        do {
            let page = try await service.chat.missed(
                for: logIn.principal, after: position, limit: Self.maximumWaitingUnits)
            guard isCurrent(logIn) else { return false }
            guard !service.chat.isExpired(logIn.principal) else {
                endSession()
                return false
            }
            for missed in page.messages where missed.message.sender.id != logIn.principal.user {
                guard hasRoom else {
                    self.logIn?.cursor.arrived(at: Position(missed.message.position.rawValue - 1), more: true)
                    return true
                }
                let message = MessengerMessage(missed.message, in: missed.flow)
                push(message.units, of: logIn, reaching: message.position)
            }
            reached(page.cursor, by: logIn)
            self.logIn?.cursor.arrived(at: page.cursor, more: page.isCut)
            return true
        } catch {
            // What was not read must be read before anything new is taken.
            self.logIn?.cursor.hinted()
            retryLater()
            return false
        }
    }
}

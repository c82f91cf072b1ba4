// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import NIOCore
import Storage
import Transport

/// What the client is shown unasked.
extension MessengerSession {
    func deliver(_ delivery: MessengerDelivery) {
        guard let logIn, let connection, let reader, connection.isOpen, !isEnding else { return }
        guard !service.chat.isExpired(logIn.principal) else { return endSession() }
        switch delivery {
        case .hint: reader.hinted()
        case .passed(let span):
            guard reader.takes(span, isReady: true) else { return reader.readIfDue() }
            reached(MessengerMark(user: logIn.principal.user, position: span.upperBound))
        case .messages(let messages, let run):
            let messages = messages.filter { $0.sender != logIn.principal.user }
            let count = messages.reduce(0) { $0 + $1.units.count }
            let isReady = hasRoom && connection.unacknowledgedUnits + count <= Self.maximumWaitingUnits
            guard reader.takes(run.span, isReady: isReady) else { return reader.readIfDue() }
            for message in messages { push(message, of: logIn) }
            reached(MessengerMark(user: logIn.principal.user, position: run.last))
        }
    }

    private func push(_ message: MessengerMessage, of logIn: LogIn) {
        let mark = MessengerMark(user: logIn.principal.user, position: message.position)
        for unit in message.units.dropLast() { write(unit) }
        if let last = message.units.last { write(last, mark: mark) }
    }

    func tellPresence() {
        if let logIn, service.chat.isExpired(logIn.principal) { return endSession() }
        while logIn?.isAnswered == true, hasRoom, let unit = logIn?.presence.next() {
            write(ByteBuffer(bytes: unit.encoded()))
        }
    }

    // MARK: Reading

    var mayRead: Bool { logIn?.isAnswered == true && hasRoom && !isEnding }

    func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard let logIn else { return nil }
        let page = try await service.chat.missed(
            for: logIn.principal, after: position, limit: Self.maximumWaitingUnits)
        guard self.logIn?.key == logIn.key, connection?.isOpen == true, !isEnding else { return nil }
        guard !service.chat.isExpired(logIn.principal) else {
            endSession()
            return nil
        }
        let messages = await Self.messages(page.messages.filter { $0.message.sender.id != logIn.principal.user })
        guard self.logIn?.key == logIn.key, connection?.isOpen == true, !isEnding else { return nil }
        for message in messages {
            // The rest stays in the log.
            guard hasRoom else { return (Position(message.position.rawValue - 1), true) }
            push(message, of: logIn)
        }
        reached(MessengerMark(user: logIn.principal.user, position: page.cursor))
        return (page.cursor, page.isCut)
    }

    /// What was missed, cut into units; much of it on the threads of the process, not on the event loop.
    private static func messages(_ missed: [MissedMessage]) async -> [MessengerMessage] {
        let bytes = missed.reduce(0) { $0 + $1.message.content.textBytes }
        guard bytes > Chat.longWorkBytes else {
            return missed.map { MessengerMessage($0.message, in: $0.flow) }
        }
        return await Chat.offLoopInPage { missed.map { MessengerMessage($0.message, in: $0.flow) } }
    }

    // MARK: Who is signed in

    /// Signs an account in: from here on the connection is told what happens, once the key is written.
    func enter(_ new: NewLogIn, at position: Position) -> MessengerKey {
        let token = TokenHash(of: new.token)
        var random = SecureRandom()
        let key = service.keys.issue(
            to: MessengerHolder(principal: new.principal, token: token, session: self), using: &random)
        logIn = LogIn(key: key, principal: new.principal, token: token, start: position)
        connection?.setLoggedIn(true)
        service.chat.hub.attach(self, principal: new.principal, wantsNews: true)
        return key
    }

    /// The key was written: what was missed comes now.
    func entered() {
        guard let logIn, !logIn.isAnswered else { return }
        self.logIn?.isAnswered = true
        reader?.begin(after: logIn.start)
        tellPresence()
        reader?.readIfDue()
    }

    /// Signs off the account that is signed in here.
    ///
    /// - Returns: Whose session is to be ended.
    func leave() -> Principal? {
        // Also without a login: watching may have begun while the connection ended.
        service.chat.hub.detach(self)
        guard let old = logIn else { return nil }
        logIn = nil
        reader?.end()
        connection?.setLoggedIn(false)
        service.keys.withdraw(old.key)
        return old.principal
    }

    /// The same from any thread, if `key` is still the one.
    func leave(_ key: MessengerKey) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let leave: @Sendable () -> Void = {
                if self.logIn?.key == key { _ = self.leave() }
                continuation.resume()
            }
            if let eventLoop = core.eventLoop { eventLoop.execute(leave) } else { continuation.resume() }
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import DequeModule
import Logging
import NIOCore
import Storage
import Transport

/// One messenger connection.
///
/// Requests are done one after the other; only messages that follow each other are in flight together. What is pushed is written
/// at once to a peer that keeps up, otherwise read from the log when there is room, so that a slow one costs bounded memory.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class MessengerSession: StreamSession, DeliverySession, LiveConnection, @unchecked Sendable {
    /// Who is signed in here.
    struct LogIn {
        var key: MessengerKey
        var principal: Principal
        var token: TokenHash
        var cursor: LiveCursor
        var presence = MessengerPresence()
        /// The key is on its way; pushes come after it.
        var isAnswered = false
    }

    /// Units that wait for the peer before others are held back: with spacing it is time that they cost, not memory.
    static let maximumWaitingUnits = 64
    /// Requests that wait before reading stops, and messages in one batch.
    private static let requestsInWork = 32
    /// Refused requests in a row that close the connection.
    private static let maximumBadRequests = 3
    /// After which a read of the log that failed is repeated.
    static let retryPause = TimeAmount.seconds(1)

    let protocolName = MessengerService.name
    let service: MessengerService
    let methods: MessengerMethods
    private(set) var connection: StreamConnection?
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private(set) var eventLoop: (any EventLoop)?
    /// The same.
    private(set) var address: DeliveryAddress?
    var logIn: LogIn?
    /// Messages in the next batch whose outcome is not known.
    var sends = Deque<PendingMessage>()
    private var decoder: MessengerDecoder
    private var inbox = Deque<MessengerDecoder.Output>()
    private var inboxBytes = 0
    /// What the input that is held has of the budget of all connections.
    private var reservedBytes = 0
    private var badRequests = 0
    private var working: Task<Void, Never>?
    /// Bytes of the request that is being done, and of the messages whose outcome is not known.
    private var workBytes = 0
    private var isPaused = false
    /// Close when nothing is in flight.
    private(set) var isEnding = false
    var marks = MessengerMarks()
    private var waitingForRoom: [CheckedContinuation<Void, Never>] = []
    var retry: Scheduled<Void>?

    init(service: MessengerService, origin: Origin) {
        self.service = service
        methods = MessengerMethods(chat: service.chat, origin: origin)
        decoder = MessengerDecoder(maximumBytes: service.options.maximumBytes)
    }

    // MARK: From the connection

    func opened(_ connection: StreamConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        address = DeliveryAddress(sink: service.sink, connection: connection.id.rawValue)
    }

    func received(_ bytes: ByteBuffer) {
        take(decoder.bytes(Array(bytes.readableBytesView)))
        connection?.awaitPause(of: decoder.isWaiting ? TimeAmount(service.options.gatherTime) : nil)
    }

    func paused() {
        take(decoder.pause())
        closeIfDone()
    }

    func inputEnded(_ connection: StreamConnection) {
        isEnding = true
        paused()
    }

    func drain() {
        isEnding = true
        closeIfDone()
    }

    func unitsAcknowledged(_ count: Int) {
        for mark in marks.acknowledged(count) { note(mark) }
        roomChanged()
    }

    func becameWritable() {
        roomChanged()
    }

    func closed() {
        connection = nil
        // Nobody reads the answer; also a place among the password hashes becomes free.
        working?.cancel()
        inbox.removeAll()
        inboxBytes = 0
        service.inboundBudget.release(reservedBytes)
        reservedBytes = 0
        retry?.cancel()
        let principal = leave()
        roomChanged()
        // The token dies with the connection: nobody else has it.
        if let principal { Task { await methods.end(principal) } }
    }

    private func closeNow() {
        inbox.removeAll()
        inboxBytes = 0
        isEnding = true
        connection?.close()
        roomChanged()
    }

    private func closeIfDone() {
        guard isEnding, working == nil, inbox.isEmpty, !decoder.isWaiting else { return }
        closeNow()
    }

    // MARK: From the hub, on any thread

    let watchesContacts = true

    func newsArrived() {
        eventLoop?.execute { self.deliver(.hint) }
    }

    func watchedChanged(_ changes: [WatchedChange]) {
        eventLoop?.execute {
            for change in changes {
                self.logIn?.presence.note(change.person.id, login: change.person.login, isOnline: change.isOnline)
            }
            self.tellPresence()
        }
    }

    func sessionRevoked(_ session: SessionID) {
        eventLoop?.execute {
            // The connection may have logged in anew meanwhile.
            if self.logIn?.principal.session == session { self.endSession() }
        }
    }

    /// The session was revoked or has expired.
    func endSession() {
        _ = leave()
        closeNow()
    }

    // MARK: Work

    private func take(_ outputs: [MessengerDecoder.Output]) {
        guard let connection, connection.isOpen else { return }
        for output in outputs {
            inbox.append(output)
            inboxBytes += output.textBytes
        }
        guard reserveInput() else { return connection.abort() }
        if inbox.count >= Self.requestsInWork, !isPaused {
            isPaused = true
            connection.pauseReading()
        }
        guard working == nil, !inbox.isEmpty else { return }
        working = Task(executorPreference: connection.taskExecutor) { await self.work() }
    }

    private func reserveInput() -> Bool {
        let held = decoder.bufferedBytes + inboxBytes + workBytes
        if held > reservedBytes {
            guard service.inboundBudget.reserve(held - reservedBytes) else { return false }
        } else {
            service.inboundBudget.release(reservedBytes - held)
        }
        reservedBytes = held
        return true
    }

    private func work() async {
        while let output = inbox.popFirst() {
            inboxBytes -= output.textBytes
            workBytes += output.textBytes
            await perform(output)
            if inbox.isEmpty || sends.count >= Self.requestsInWork { await settle() }
            if sends.isEmpty {
                workBytes = 0
                if connection != nil { _ = reserveInput() }
            }
            if isPaused, inbox.count <= Self.requestsInWork / 2 {
                isPaused = false
                connection?.resumeReading()
            }
        }
        working = nil
        closeIfDone()
        readIfDue()
    }

    /// Waits until the messages in flight are durable.
    func settle() async {
        while let pending = sends.popFirst() {
            do {
                _ = try await service.chat.receipt(of: pending)
            } catch {
                await answer(MessengerAnswer(error, to: .send))
            }
        }
    }

    func understood() {
        badRequests = 0
    }

    /// Answers what was not understood, or a key that nobody holds.
    func refuse(_ prefix: UInt8, _ reason: String) async {
        service.logger.info(
            "A messenger request was refused",
            metadata: ["reason": "\(reason)", "address": "\(methods.origin.address)"])
        badRequests += 1
        await answer(.refused(prefix: prefix))
        if badRequests >= Self.maximumBadRequests { closeNow() }
    }

    /// Writes an answer when there is room for it.
    func answer(_ answer: MessengerAnswer) async {
        guard await hasRoomAtLast() else { return }
        write(ByteBuffer(bytes: answer.encoded()), mark: nil)
    }

    // MARK: Who is signed in

    /// Signs somebody in: from here on the connection is told what happens, once the key is on its way.
    func enter(_ new: NewLogIn, at position: Position) -> MessengerKey {
        let token = TokenHash(of: new.token)
        var random = SecureRandom()
        let key = service.keys.issue(
            to: MessengerHolder(principal: new.principal, token: token, session: self), using: &random)
        logIn = LogIn(key: key, principal: new.principal, token: token, cursor: LiveCursor(after: position))
        connection?.setLoggedIn(true)
        service.chat.hub.attach(self, principal: new.principal, wantsNews: true)
        return key
    }

    /// The key was written: what was missed comes now.
    func entered() {
        logIn?.isAnswered = true
        tellPresence()
        readIfDue()
    }

    /// Signs off whoever is signed in here.
    ///
    /// - Returns: Whose session is to be ended.
    func leave() -> Principal? {
        // Also without a log in: watching may have begun while the connection ended.
        service.chat.hub.detach(self)
        guard let old = logIn else { return nil }
        logIn = nil
        connection?.setLoggedIn(false)
        service.keys.withdraw(old.key)
        roomChanged()
        return old.principal
    }

    /// The same from any thread, if `key` is still the one.
    func leave(_ key: MessengerKey) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let leave: @Sendable () -> Void = {
                if self.logIn?.key == key { _ = self.leave() }
                continuation.resume()
            }
            if let eventLoop { eventLoop.execute(leave) } else { continuation.resume() }
        }
    }

    // MARK: Writing

    var hasRoom: Bool {
        guard let connection else { return false }
        return connection.isWritable && connection.unacknowledgedUnits < Self.maximumWaitingUnits
    }

    /// Waits until the peer has taken enough of what was written.
    ///
    /// - Returns: Whether the connection is still open.
    private func hasRoomAtLast() async -> Bool {
        while let connection, connection.isOpen {
            if hasRoom { return true }
            await withCheckedContinuation { waitingForRoom.append($0) }
        }
        return false
    }

    private func roomChanged() {
        let waiting = waitingForRoom
        waitingForRoom = []
        for continuation in waiting { continuation.resume() }
        tellPresence()
        readIfDue()
    }

    func write(_ unit: ByteBuffer, mark: MessengerMark?) {
        guard let connection, connection.isOpen else { return }
        marks.wrote(mark)
        connection.write(unit: unit)
        connection.flush()
    }

    private func tellPresence() {
        if let logIn, service.chat.isExpired(logIn.principal) { return endSession() }
        while logIn?.isAnswered == true, hasRoom, let unit = logIn?.presence.next() {
            write(ByteBuffer(bytes: unit.encoded()), mark: nil)
        }
    }

    func note(_ mark: MessengerMark) {
        service.chat.cursors.note(mark.user, device: MessengerService.name, at: mark.position)
    }
}

extension MessengerDecoder.Output {
    /// What keeping it costs, roughly.
    fileprivate var textBytes: Int {
        switch self {
        case .refusal: 0
        case .request(.signUp(let email, let login, let password)):
            email.utf8.count + login.utf8.count + password.utf8.count
        case .request(.logIn(let login, let password)): login.utf8.count + password.utf8.count
        case .request(.logOut), .request(.contacts): 0
        case .request(.addContact(_, let login)): login.utf8.count
        case .request(.send(_, let recipient, let text)): recipient.text.utf8.count + text.utf8.count
        }
    }
}

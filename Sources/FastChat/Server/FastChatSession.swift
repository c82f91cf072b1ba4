// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import DequeModule
import Logging
import NIOCore
import Storage
import Transport

/// One FastChat connection.
///
/// Values are split off as they come and done one after the other. A message is done when its write is in the next batch, so many
/// of one connection are in flight at once. What goes to the client waits in the outbox or, when that is full, in the log.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class FastChatSession: StreamSession, DeliverySession, LiveConnection, @unchecked Sendable {
    /// After which a read of the log that failed is repeated.
    private static let retryPause = TimeAmount.seconds(1)

    typealias Delivery = FastChatDelivery

    /// A message that waits for its batch.
    struct Submitted {
        var message: PendingMessage
        var group: FastChatGroupNumber?
    }

    /// The longest value before the log in.
    private static let maximumBytesBeforeLogIn = 64 << 10
    /// From how many values or bytes on, received and not done, nothing more is read.
    private static let maximumWaitingValues = 64
    private static let maximumWaitingBytes = 2 << 20
    /// Messages of one connection in flight.
    private static let maximumSubmitted = 64
    /// After so many values in a row that are no JSON the connection ends.
    private static let maximumUnparseable = 3

    let protocolName = FastChatService.name
    let service: FastChatService
    let origin: Origin
    /// Whose connection it is, from the time the hub knows it; the client hears of it when `news` is set.
    private(set) var holder: (principal: Principal, token: TokenHash)?
    /// What the client is told of the log.
    var news: FastChatNews?
    private(set) var connection: StreamConnection?
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private var eventLoop: (any EventLoop)?
    /// The same.
    private(set) var address: DeliveryAddress?

    private var splitter = FastChatSplitter(maximumBytes: maximumBytesBeforeLogIn)
    private var inbox = Deque<FastChatSplitter.Piece>()
    private var inboxBytes = 0
    /// Bytes of the value that is being done, and of the messages that wait for their batch.
    private var workBytes = 0
    private var reservedBytes = 0
    private var unparseable = 0
    private var submitted = Deque<Submitted>()
    private var outbox: FastChatOutbox
    private var cursor: LiveCursor?
    private var logInTimer: Scheduled<Void>?
    private var handling: Task<Void, Never>?
    private var isPaused = false
    private var isPumpDue = false
    /// The client sends no more, or the server is stopping: end when everything is done.
    private var isEnding = false
    /// Nothing is read or done any more.
    private var isOver = false

    init(service: FastChatService, origin: Origin) {
        self.service = service
        self.origin = origin
        outbox = FastChatOutbox(maximumBytes: service.options.outboundBytes)
    }

    // MARK: From the connection

    func opened(_ connection: StreamConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        address = DeliveryAddress(sink: service.sink, connection: connection.id.rawValue)
        logInTimer = connection.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(
            in: TimeAmount(service.options.logInTimeout)
        ) { [weak self] in self?.end() }
    }

    func received(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        for piece in bytes.withUnsafeReadableBytes({ splitter.receive($0) }) {
            if case .value(let value) = piece { inboxBytes += value.count }
            inbox.append(piece)
        }
        guard reserveInput() else {
            connection?.abort()
            return
        }
        if !isPaused,
            inbox.count >= Self.maximumWaitingValues || inboxBytes + workBytes >= Self.maximumWaitingBytes
        {
            isPaused = true
            connection?.pauseReading()
        }
        startHandling()
    }

    func unitsAcknowledged(_ count: Int) {
        if let position = outbox.acknowledged(count) { note(position) }
        pump()
        readIfDue()
        startHandling()
    }

    func inputEnded(_ connection: StreamConnection) {
        endWhenDone()
    }

    func drain() {
        endWhenDone()
    }

    func closed() {
        connection = nil
        isOver = true
        // Nobody reads the answer; also a place among the password hashes becomes free.
        handling?.cancel()
        logInTimer?.cancel()
        inbox.removeAll()
        inboxBytes = 0
        service.registry.inboundBudget.release(reservedBytes)
        reservedBytes = 0
        detach()
        news = nil
        cursor = nil
    }

    /// Takes from the budget of all connections what this one holds.
    private func reserveInput() -> Bool {
        let needed = splitter.bufferedBytes + inboxBytes + workBytes
        if needed > reservedBytes {
            guard service.registry.inboundBudget.reserve(needed - reservedBytes) else { return false }
        } else {
            service.registry.inboundBudget.release(reservedBytes - needed)
        }
        reservedBytes = needed
        return true
    }

    // MARK: From the hub, on any thread

    func newsArrived() {
        eventLoop?.execute { self.deliver(.hint) }
    }

    func sessionRevoked(_ session: SessionID) {
        eventLoop?.execute {
            if self.holder?.principal.session == session { self.endSession() }
        }
    }

    // MARK: The session

    /// Makes the connection known to the hub.
    func attach(_ principal: Principal, _ token: TokenHash) {
        holder = (principal, token)
        if connection == nil { return detach() }
        service.chat.hub.attach(self, principal: principal, wantsNews: false)
    }

    /// Ends the session: the client has no token, so that nobody can come back to it.
    func detach() {
        service.chat.hub.detach(self)
        guard let principal = holder?.principal else { return }
        holder = nil
        let chat = service.chat
        Task { try? await chat.logOut(principal) }
    }

    /// The session was revoked or has expired.
    func endSession() {
        guard !isOver else { return }
        if news != nil { tell(FastChatNotice("The session was ended by the server.")) }
        end()
    }

    // MARK: Requests

    private func startHandling() {
        guard handling == nil, !inbox.isEmpty, !isOver, outbox.hasRoom, let connection else { return }
        handling = Task(executorPreference: connection.taskExecutor) { await self.handleAll() }
    }

    private func handleAll() async {
        while !isOver, outbox.hasRoom {
            if let piece = inbox.popFirst() {
                if case .value(let value) = piece {
                    inboxBytes -= value.count
                    workBytes += value.count
                }
                await handle(piece)
                while submitted.count >= Self.maximumSubmitted { await settle() }
                readOnIfRoom()
            } else if !submitted.isEmpty {
                await settle()
            } else {
                break
            }
        }
        await settleAll()
        handling = nil
        readOnIfRoom()
        if !isOver, !inbox.isEmpty {
            startHandling()
        } else if isEnding {
            end()
        }
    }

    private func readOnIfRoom() {
        if submitted.isEmpty { workBytes = 0 }
        guard !isOver, reserveInput(), isPaused, inbox.count < Self.maximumWaitingValues / 2,
            inboxBytes + workBytes < Self.maximumWaitingBytes / 2
        else { return }
        isPaused = false
        connection?.resumeReading()
    }

    private func handle(_ piece: FastChatSplitter.Piece) async {
        do throws(FastChatDecodeError) {
            let request: FastChatRequest
            switch piece {
            case .value(let value): request = try FastChatRequest(decoding: value)
            case .refusal(let error): throw error
            }
            unparseable = 0
            await perform(request)
        } catch {
            tell(.refused(error.detail))
            unparseable = error.isUnparseable ? unparseable + 1 : 0
            if unparseable >= Self.maximumUnparseable { end() }
        }
    }

    /// Waits until the oldest message is durable; the client hears of it only if it is not.
    private func settle() async {
        guard let next = submitted.popFirst() else { return }
        do throws(ChatError) {
            _ = try await service.chat.receipt(of: next.message)
        } catch {
            tell(.refused(FastChatFailure.detail(error), group: next.group))
        }
    }

    /// Waits until everything that the client sent is durable.
    func settleAll() async {
        while !submitted.isEmpty { await settle() }
    }

    func submit(_ message: PendingMessage, to group: FastChatGroupNumber?) {
        submitted.append(Submitted(message: message, group: group))
    }

    /// The account of the connection is known: what was missed follows the reply.
    func begin(_ news: FastChatNews, after position: Position, reply: FastChatReply) {
        guard !isOver, holder?.principal == news.principal else { return }
        logInTimer?.cancel()
        logInTimer = nil
        self.news = news
        cursor = LiveCursor(after: position)
        splitter.maximumBytes = FastChatSplitter.standardMaximumBytes
        service.chat.hub.attach(self, principal: news.principal, wantsNews: true)
        answer(reply)
        readIfDue()
    }

    // MARK: Ending

    private func endWhenDone() {
        isEnding = true
        if handling == nil, inbox.isEmpty { end() }
    }

    /// Writes what waits and closes.
    func end() {
        guard !isOver, let connection else { return }
        isOver = true
        inbox.removeAll()
        inboxBytes = 0
        while connection.bufferedBytes <= service.options.outboundBytes, let unit = outbox.next(ending: true) {
            connection.write(unit: ByteBuffer(bytes: unit))
        }
        connection.flush()
        connection.close()
    }

    // MARK: Writing

    func tell(_ notice: FastChatNotice) {
        write(notice.encoded(for: news?.reader.number ?? FastChatUserNumber(0), time: service.time))
    }

    /// Replies stand alone; after a final one the connection closes.
    func answer(_ reply: FastChatReply) {
        guard !isOver else { return }
        outbox.append(reply: reply.encoded())
        if reply.isFinal { end() } else { pumpSoon() }
    }

    /// Queues an object for an array.
    func write(_ object: [UInt8]) {
        guard !isOver else { return }
        outbox.append(object)
        pumpSoon()
    }

    private func reached(_ position: Position) {
        if let position = outbox.reached(position) { note(position) }
    }

    private func note(_ position: Position) {
        guard let user = news?.principal.user else { return }
        service.chat.cursors.note(user, device: FastChatService.name, at: position)
    }

    /// Packs an array when the loop has done what it has in flight now, so that all of it is in one.
    private func pumpSoon() {
        guard !isPumpDue, let eventLoop else { return }
        isPumpDue = true
        eventLoop.assumeIsolatedUnsafeUnchecked().execute {
            self.isPumpDue = false
            self.pump()
        }
    }

    private func pump() {
        guard !isOver, let connection, connection.isOpen, let unit = outbox.next() else { return }
        connection.write(unit: ByteBuffer(bytes: unit))
        connection.flush()
    }

    // MARK: What others wrote

    func deliver(_ delivery: Delivery) {
        guard !isOver, let principal = news?.principal, let reader = news?.reader else { return }
        guard !service.chat.isExpired(principal) else { return endSession() }
        if case .run(let run) = delivery, reader.isQuick {
            if cursor?.takes(run, isReady: outbox.hasRoom) == true {
                for message in run.messages {
                    for object in reader.objects(for: message, in: run.flow) { write(object) }
                    reached(message.position)
                }
                return
            }
        } else {
            cursor?.hinted()
        }
        readIfDue()
    }

    private func readIfDue() {
        guard !isOver, outbox.hasRoom, let connection, cursor?.start() == true else { return }
        Task(executorPreference: connection.taskExecutor) { await self.readAll() }
    }

    private func readAll() async {
        while !isOver, outbox.hasRoom, let reading = news, let position = cursor?.next() {
            let goesOn = await service.chat.pages.page { () async in await self.read(reading, after: position) }
            if !goesOn { break }
        }
        cursor?.stop()
    }

    /// Shows a page of the log.
    ///
    /// - Returns: Whether to look for the next one.
    private func read(_ news: FastChatNews, after position: Position) async -> Bool {
        var reading = news
        do {
            let page = try await reading.page(after: position)
            guard !isOver else { return false }
            guard !service.chat.isExpired(reading.principal) else {
                endSession()
                return false
            }
            self.news?.toldOpen.formUnion(reading.toldOpen)
            for entry in page.entries {
                for object in entry.objects { write(object) }
                reached(entry.position)
            }
            reached(page.cursor)
            cursor?.arrived(at: page.cursor, more: page.isCut)
            return true
        } catch {
            cursor?.hinted()
            // Nothing else may happen for long that would try again from the same cursor.
            connection?.eventLoop.scheduleTask(in: Self.retryPause) { self.readIfDue() }
            return false
        }
    }
}

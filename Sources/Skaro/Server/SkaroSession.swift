// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import DequeModule
import Logging
import NIOCore
import Storage
import Transport

/// One skaro connection.
///
/// Frames are decoded as they come and admitted in their order; answers leave in that order. A message is admitted when its write
/// is in the next batch, so many of one connection are in flight at once. Every other request waits until what came before
/// it is answered, and nothing is answered while the peer does not read: a connection holds little more than one answer.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class SkaroSession: WebSocketSession, DeliverySession, LiveConnection, @unchecked Sendable {
    /// How many frames in a row may be no requests; with the last of them the connection is closed.
    private static let maximumBadFrames = 3
    /// Requests in flight whose frames are longer than this together let no more come in.
    private static let maximumBytesInWork = 1 << 20

    private enum Frame {
        case request(SkaroRequest, bytes: Int)
        /// What is wrong with it.
        case bad(String)
    }

    /// An answer in the making.
    private enum Slot {
        case ready(SkaroResponse, bytes: Int)
        case message(SkaroRequest, SkaroMethods.Draft, PendingMessage, bytes: Int)
        case error(String)
    }

    /// Whose connection it is.
    struct LogIn {
        var principal: Principal
        var token: TokenHash
        /// Where its feed begins once the answer is written.
        var start: Position
    }

    let protocolName = SkaroService.name
    let service: SkaroService
    let origin: Origin
    let acceptedMessages: WebSocketMessageKinds = [.text, .binary]
    let watchesContacts = true
    private(set) var connection: WebSocketConnection?
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private var eventLoop: (any EventLoop)?
    /// The same.
    private(set) var address: DeliveryAddress?
    /// What a log in must sign; one that succeeds uses it up.
    let challenge: String
    var logIn: LogIn?
    /// What is pushed; begins when the answer to the log in is written.
    var feed: SkaroFeed?
    /// News of contacts that could not be written yet, the newest of each.
    var changes: [UserID: WatchedChange] = [:]
    var look: Scheduled<Void>?
    /// A message is on its way into a batch, its uuid still unknown.
    private(set) var isSubmitting = false
    private var afterSubmitting: [CheckedContinuation<Void, Never>] = []

    private var inbox = Deque<Frame>()
    private var slots = Deque<Slot>()
    private var admitting: Task<Void, Never>?
    private var isAnswering = false
    private var isPaused = false
    /// Frames that have come and are not answered.
    private var inFlight = 0
    private var share: InboundShare
    /// Of these, what has been admitted.
    private var unanswered = 0
    private var afterAnswers: CheckedContinuation<Void, Never>?
    private var afterWritable: [CheckedContinuation<Void, Never>] = []
    private var badFrames = 0
    /// Close with this when nothing is in flight; no more frames are taken.
    private var ending: (code: WebSocketCloseCode, reason: String)?

    init(service: SkaroService, origin: Origin) {
        self.service = service
        self.origin = origin
        share = InboundShare(of: service.inboundBudget)
        var random = SecureRandom()
        challenge = Token(byteCount: 32, using: &random).text
    }

    var methods: SkaroMethods { SkaroMethods(service: service, origin: origin) }

    // MARK: From the connection

    func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        address = DeliveryAddress(sink: service.sink, connection: connection.id.rawValue)
        write(.checkConnection(token: challenge))
        connection.flush()
    }

    func received(binary: ByteBuffer) {
        let bytes = binary.readableBytes
        let decoded = binary.withUnsafeReadableBytes { frame in
            Result { () throws(SkaroFrameError) in try SkaroRequest(decoding: frame) }
        }
        switch decoded {
        case .success(let request): take(.request(request, bytes: bytes), bytes: bytes)
        case .failure(let error): take(.bad("\(error)"), bytes: 0)
        }
    }

    func received(text: ByteBuffer) {
        take(.bad("The frame is a text message: it must be a binary one."), bytes: 0)
    }

    private func take(_ frame: Frame, bytes: Int) {
        guard let connection, ending == nil else { return }
        guard share.take(bytes) else {
            return connection.close(code: .tryAgainLater, reason: "The server is overloaded.")
        }
        inbox.append(frame)
        inFlight += 1
        if !isPaused, inFlight >= service.options.requestsInWork || share.bytes > Self.maximumBytesInWork {
            isPaused = true
            connection.pauseReading()
        }
        // One read may hold more frames than one task needs to be started for; a paused one gets no `receivedAll`.
        if isPaused { startAdmitting() }
    }

    func receivedAll() {
        startAdmitting()
    }

    func writabilityChanged(isWritable: Bool) {
        guard isWritable else { return }
        resumeAfterWritable()
        catchUp()
    }

    func drain() {
        // The client drops what comes before the answer to its log in.
        if feed != nil, ending == nil { write(.info("The server is stopping. Connect again in a moment.")) }
        end(.goingAway, "The server is stopping.")
    }

    func closed() {
        leave()
        connection = nil
        // Nobody reads the answer; also a place among the password hashes becomes free.
        admitting?.cancel()
        inbox.removeAll()
        share.giveBackAll()
        resumeAfterWritable()
    }

    // MARK: From the hub and other connections, on any thread

    func newsArrived() {
        eventLoop?.execute { self.hinted() }
    }

    func watchedChanged(_ changes: [WatchedChange]) {
        eventLoop?.execute { self.contactsChanged(changes) }
    }

    func sessionRevoked(_ session: SessionID) {
        eventLoop?.execute {
            if self.logIn?.principal.session == session { self.cut("The session was ended. Log in again.") }
        }
    }

    /// Closes the connection because another one goes on with its session; returns when what arrived here is noted.
    func handOver() async {
        guard let eventLoop else { return }
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                self.leave()
                self.ending = (.normal, "The session goes on on another connection.")
                self.connection?.close(code: .normal, reason: "The session goes on on another connection.")
                continuation.resume()
            }
        }
    }

    // MARK: The end

    /// Tells the peer why and closes, whatever is in flight.
    func cut(_ reason: String) {
        guard ending?.code != .policyViolation else { return }
        ending = (.policyViolation, reason)
        leave()
        write(.error(reason))
        connection?.close(code: .policyViolation, reason: reason)
    }

    private func end(_ code: WebSocketCloseCode, _ reason: String) {
        guard ending == nil else { return }
        ending = (code, reason)
        closeIfDone()
    }

    private func closeIfDone() {
        guard let ending, inFlight == 0 else { return }
        connection?.close(code: ending.code, reason: ending.reason)
    }

    /// Notes what has arrived, and stops serving the session.
    func leave() {
        noteArrival()
        look?.cancel()
        look = nil
        if let logIn { service.sessions.take(logIn.principal.session, from: self) }
        service.chat.hub.detach(self)
        if logIn != nil { connection?.loggedOut() }
        logIn = nil
        feed = nil
        changes = [:]
    }

    var isEnding: Bool { ending != nil }

    // MARK: Admitting

    private func startAdmitting() {
        guard admitting == nil, !inbox.isEmpty, let connection else { return }
        admitting = Task(executorPreference: connection.taskExecutor) { await self.admitAll() }
    }

    private func admitAll() async {
        while let frame = inbox.popFirst() {
            let slot: Slot
            switch frame {
            case .bad(let why):
                badFrames += 1
                guard badFrames < Self.maximumBadFrames else {
                    inFlight -= inbox.count + 1
                    inbox.removeAll()
                    service.logger.debug(
                        "A client sent frames that are no requests", metadata: ["address": "\(origin.address)"])
                    end(.protocolError, "\(Self.maximumBadFrames) frames in a row were no requests.")
                    break
                }
                slot = .error(why)
                append(slot)
            case .request(let request, let bytes):
                badFrames = 0
                slot = await admit(request, bytes: bytes)
                append(slot)
            }
        }
        admitting = nil
    }

    private func append(_ slot: Slot) {
        slots.append(slot)
        unanswered += 1
        startAnswering()
    }

    /// The checks of every request in the protocol's order; then a message goes into the batch, and others are done.
    private func admit(_ request: SkaroRequest, bytes: Int) async -> Slot {
        do throws(SkaroRefusal) {
            guard let method = request.method else { throw .unknownMethod }
            // A log in before it decides.
            if logIn == nil || method != .sendMessage {
                await allAnswered()
                await writable()
            }
            if method.needsAuthorization, logIn == nil { throw .notAuthorized }
            let call = try request.call()
            guard case .sendMessage(let name, let body) = call else {
                return .ready(SkaroResponse(to: request, try await content(call)), bytes: bytes)
            }
            let principal = try await principal()
            let draft = try await methods.draft(body, to: name, by: principal)
            isSubmitting = true
            defer { submittingEnded() }
            let pending = try await methods.submit(draft, by: principal)
            feed?.submitted(pending.uuid)
            return .message(request, draft, pending, bytes: bytes)
        } catch {
            return .ready(SkaroResponse(to: request, refused: error), bytes: bytes)
        }
    }

    private func allAnswered() async {
        guard unanswered > 0 else { return }
        await withCheckedContinuation { afterAnswers = $0 }
    }

    private func submittingEnded() {
        isSubmitting = false
        let waiting = afterSubmitting
        afterSubmitting = []
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when the uuids of all messages that may be in the log are known.
    func allSubmitted() async {
        while isSubmitting { await withCheckedContinuation { afterSubmitting.append($0) } }
    }

    // MARK: Answering

    private func startAnswering() {
        guard !isAnswering, let connection else { return }
        isAnswering = true
        Task(executorPreference: connection.taskExecutor) { await self.answerAll() }
    }

    private func answerAll() async {
        while let slot = slots.popFirst() {
            await answer(slot)
            unanswered -= 1
            inFlight -= 1
            if isPaused, inFlight <= service.options.requestsInWork / 2, share.bytes <= Self.maximumBytesInWork {
                isPaused = false
                connection?.resumeReading()
            }
            if unanswered == 0, let waiting = afterAnswers {
                afterAnswers = nil
                waiting.resume()
            }
        }
        connection?.flush()
        isAnswering = false
        closeIfDone()
    }

    private func answer(_ slot: Slot) async {
        switch slot {
        case .ready(let response, let bytes):
            await writable()
            write(response)
            share.giveBack(bytes)
            if case .session = response.content { startFeed() }
        case .message(let request, let draft, let pending, let bytes):
            if !pending.isSettled { connection?.flush() }
            let response: SkaroResponse
            do throws(SkaroRefusal) {
                response = SkaroResponse(to: request, try await methods.content(of: draft, pending))
            } catch {
                feed?.withdrawn(pending.uuid)
                response = SkaroResponse(to: request, refused: error)
            }
            await writable()
            write(response)
            share.giveBack(bytes)
        case .error(let why):
            await writable()
            write(.error(why))
            share.giveBack(0)
        }
    }

    /// Returns when the peer keeps up, or is gone.
    private func writable() async {
        guard let connection, !connection.isWritable else { return }
        connection.flush()
        await withCheckedContinuation { afterWritable.append($0) }
    }

    private func resumeAfterWritable() {
        let waiting = afterWritable
        afterWritable = []
        for continuation in waiting { continuation.resume() }
    }

    private func write(_ response: SkaroResponse) {
        connection?.write(binary: ByteBuffer(bytes: response.encoded()))
    }

    func write(_ push: SkaroPush) {
        connection?.write(binary: ByteBuffer(bytes: push.encoded()))
    }

    /// The answer to the log in is written: from now on the log is shown.
    private func startFeed() {
        guard connection != nil, ending == nil, let logIn else { return }
        feed = SkaroFeed(principal: logIn.principal, after: logIn.start)
        service.chat.hub.attach(self, principal: logIn.principal, wantsNews: true)
        catchUp()
    }
}

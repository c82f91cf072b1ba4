// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Logging
import NIOCore
import Storage
import Transport

/// One messenger connection.
///
/// Special about the protocol: requests have no frames, so the end of one may be a pause; a key stands for a login and may be
/// used on other connections; a message that was taken is not answered; and what is written is spaced, unit by unit.
/// `RequestPipeline` keeps the requests in order, `LiveReader` brings what is pushed.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class MessengerSession: StreamSession, DeliverySession, LiveConnection, RequestSession, LogPresenter,
    @unchecked Sendable
{
    typealias Request = MessengerDecoder.Output
    typealias Answer = MessengerAnswer

    /// Who is signed in here.
    struct LogIn {
        var key: MessengerKey
        var principal: Principal
        var token: TokenHash
        /// Where the pushes begin.
        var start: Position
        var presence = MessengerPresence()
        /// The key was written; pushes come after it.
        var isAnswered = false
    }

    /// Units that wait for the peer before others are held back: with spacing it is time that they cost, not memory.
    static let maximumWaitingUnits = 64
    /// Requests in flight before reading stops.
    private static let requestsInFlight = 32
    /// Refused requests in a row that close the connection.
    private static let maximumBadRequests = 3

    let protocolName = MessengerService.name
    let watchesContacts = true
    let service: MessengerService
    let requests: MessengerRequests
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private(set) var eventLoop: (any EventLoop)?
    /// The same.
    private var number: UInt64 = 0
    private(set) var connection: StreamConnection?
    private(set) var pipeline: RequestPipeline<MessengerSession>?
    private(set) var reader: LiveReader?
    var logIn: LogIn?
    /// Refused requests in a row.
    var badRequests = 0
    private var decoder: MessengerDecoder
    /// What the decoder holds has of the budget of all connections.
    private var reservedBytes = 0
    /// Close when nothing is in flight.
    private(set) var isEnding = false
    /// By the units that were written.
    private var arrived = AcknowledgedPositions<MessengerMark>()
    private var writtenUnits: UInt64 = 0
    private var acknowledgedUnits: UInt64 = 0

    init(service: MessengerService, origin: Origin) {
        self.service = service
        requests = MessengerRequests(chat: service.chat, origin: origin)
        decoder = MessengerDecoder(maximumBytes: service.options.maximumBytes)
    }

    var peer: PeerConnection? { connection }
    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: number) }

    // MARK: From the connection

    func opened(_ connection: StreamConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        number = connection.id.rawValue
        pipeline = RequestPipeline(
            of: self, limits: .init(requests: Self.requestsInFlight), budget: service.inboundBudget,
            executor: connection.taskExecutor,
            log: service.requests.ofConnection(connection.id, at: requests.origin.address))
        reader = LiveReader(for: self, pages: service.chat.pages, executor: connection.taskExecutor)
    }

    func received(_ bytes: ByteBuffer) {
        take(decoder.bytes(Array(bytes.readableBytesView)))
        connection?.awaitPause(of: decoder.isWaiting ? TimeAmount(service.options.gatherTime) : nil)
    }

    func receivedAll() {
        pipeline?.advance()
    }

    func paused() {
        take(decoder.pause())
        pipeline?.advance()
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
        acknowledgedUnits += UInt64(count)
        for mark in arrived.acknowledged(acknowledgedUnits) { note(mark) }
        roomChanged()
    }

    func becameWritable() {
        roomChanged()
    }

    func closed() {
        connection = nil
        pipeline?.close()
        service.inboundBudget.release(reservedBytes)
        reservedBytes = 0
        // The token dies with the connection: nobody else has it.
        if let principal = leave() { Task { await requests.end(principal) } }
    }

    private func take(_ outputs: [MessengerDecoder.Output]) {
        guard let connection, let pipeline, connection.isOpen else { return }
        var hasRoom = reserveInput()
        for output in outputs where hasRoom { hasRoom = pipeline.receive(output, bytes: output.textBytes) }
        if !hasRoom { connection.abort() }
    }

    private func reserveInput() -> Bool {
        let held = decoder.bufferedBytes
        if held > reservedBytes {
            guard service.inboundBudget.reserve(held - reservedBytes) else { return false }
        } else {
            service.inboundBudget.release(reservedBytes - held)
        }
        reservedBytes = held
        return true
    }

    // MARK: The end

    /// The session was revoked or has expired.
    func endSession() {
        _ = leave()
        closeNow()
    }

    /// Closes when what was written has left; what waits is not done any more.
    func closeNow() {
        pipeline?.dropWaiting()
        isEnding = true
        connection?.close()
    }

    func requestsDone() {
        closeIfDone()
        reader?.readIfDue()
    }

    private func closeIfDone() {
        guard isEnding, pipeline?.inFlight == 0, !decoder.isWaiting else { return }
        closeNow()
    }

    // MARK: From the hub, on any thread

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

    // MARK: Writing

    var hasRoom: Bool {
        guard let connection, connection.isOpen else { return false }
        return connection.isWritable && connection.unacknowledgedUnits < Self.maximumWaitingUnits
    }

    func write(_ answer: MessengerAnswer) {
        write(ByteBuffer(bytes: answer.encoded()))
        if case .loggedIn = answer { entered() }
        if badRequests >= Self.maximumBadRequests { closeNow() }
    }

    func command(of request: Request) -> String { request.command }

    func outcome(of answer: MessengerAnswer) -> RequestOutcome { answer.outcome }

    func account(for answer: MessengerAnswer?) -> Int64? { logIn?.principal.user.rawValue }

    /// Writes a unit; with `mark` a client that has it has everything up to there.
    func write(_ unit: ByteBuffer, mark: MessengerMark? = nil) {
        guard let connection, connection.isOpen, unit.readableBytes > 0 else { return }
        writtenUnits += 1
        connection.write(unit: unit)
        connection.flush()
        if let mark { reached(mark) }
    }

    /// Nothing up to `mark` is left to be written.
    func reached(_ mark: MessengerMark) {
        if let mark = arrived.reached(mark, at: writtenUnits) { note(mark) }
    }

    private func roomChanged() {
        pipeline?.advance()
        tellPresence()
        reader?.readIfDue()
    }

    func tellPresence() {
        if let logIn, service.chat.isExpired(logIn.principal) { return endSession() }
        while logIn?.isAnswered == true, hasRoom, let unit = logIn?.presence.next() {
            write(ByteBuffer(bytes: unit.encoded()))
        }
    }

    private func note(_ mark: MessengerMark) {
        service.chat.cursors.note(mark.user, device: MessengerService.name, at: mark.position)
    }
}

extension MessengerAnswer {
    /// For the log.
    fileprivate var outcome: RequestOutcome {
        switch self {
        case .signedUp, .loggedIn, .loggedOut, .contacts, .noContacts, .contactAdded: .ok
        case .loginTaken: RequestOutcome(.refused, "login_taken")
        case .signUpRefused: RequestOutcome(.refused, "sign_up_refused")
        case .noSuchLogin: RequestOutcome(.refused, "no_such_login")
        case .wrongPassword: RequestOutcome(.refused, "wrong_password")
        case .noSuchUser: RequestOutcome(.refused, "no_such_user")
        case .refused: RequestOutcome(.refused, "refused")
        }
    }
}

extension MessengerDecoder.Output {
    /// For the log.
    fileprivate var command: String {
        switch self {
        case .refusal: RequestLog.unknownCommand
        case .request(.signUp): "sign_up"
        case .request(.logIn): "log_in"
        case .request(.logOut): "log_out"
        case .request(.contacts): "contacts"
        case .request(.addContact): "add_contact"
        case .request(.send): "send"
        }
    }

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

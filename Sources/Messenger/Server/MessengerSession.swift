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
/// Special about the protocol: requests have no frames, so the end of one may be a pause; a key stands for a login and
/// may be used on other connections; a message that was taken is not answered; and what is written is spaced, unit by
/// unit. `RequestPipeline` keeps the requests in order, `LiveReader` brings what is pushed.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence
/// `@unchecked Sendable`.
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
    let core = SessionCore<MessengerSession, StreamConnection>()
    private(set) var reader: LiveReader?
    var logIn: LogIn?
    /// Refused requests in a row.
    var badRequests = 0
    private var decoder: MessengerDecoder
    private var heldInput: HeldInput
    /// By the units that were written.
    private var arrived = AcknowledgedPositions<MessengerMark>()
    private var writtenUnits: UInt64 = 0
    private var acknowledgedUnits: UInt64 = 0

    init(service: MessengerService, origin: Origin) {
        self.service = service
        requests = MessengerRequests(chat: service.chat, origin: origin)
        decoder = MessengerDecoder(maximumBytes: service.options.maximumBytes)
        heldInput = HeldInput(of: service.inboundBudget)
    }

    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: core.number) }

    // MARK: From the connection

    func opened(_ connection: StreamConnection) {
        core.opened(
            connection, of: self, from: requests.origin.address, limits: .init(requests: Self.requestsInFlight),
            budget: service.inboundBudget, log: service.requests)
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
        core.endIfDone()
    }

    func inputEnded(_ connection: StreamConnection) {
        drain()
        paused()
    }

    func drain() {
        // What the client has begun to send is awaited.
        core.end { [unowned self] in if !decoder.isWaiting { closeNow() } }
    }

    func unitsAcknowledged(_ count: Int) {
        acknowledgedUnits += UInt64(count)
        for mark in arrived.acknowledged(acknowledgedUnits) { note(mark) }
        becameWritable()
    }

    func becameWritable() {
        pipeline?.advance()
        tellPresence()
        reader?.readIfDue()
    }

    func closed() {
        core.closed()
        heldInput.giveBackAll()
        // The token dies with the connection, which alone has it.
        if let principal = leave() { Task { await requests.end(principal) } }
    }

    private func take(_ outputs: [MessengerDecoder.Output]) {
        guard let connection, let pipeline, connection.isOpen else { return }
        var hasRoom = heldInput.hold(decoder.bufferedBytes)
        for output in outputs where hasRoom { hasRoom = pipeline.receive(output, bytes: output.textBytes) }
        if !hasRoom { connection.abort() }
    }

    // MARK: The end

    /// The session was revoked or has expired.
    func endSession() {
        _ = leave()
        // Units leave one after the other, for seconds: the account's rights are over now.
        connection?.dropWaiting()
        closeNow()
    }

    /// Closes when what was written has left; what waits is not done any more.
    func closeNow() {
        pipeline?.dropWaiting()
        core.endNow()
        connection?.close()
    }

    func requestsDone() {
        core.endIfDone()
        reader?.readIfDue()
    }

    // MARK: From the hub, on any thread

    func watchedChanged(_ changes: [WatchedChange]) {
        core.eventLoop?.execute {
            for change in changes {
                self.logIn?.presence.note(change.person.id, login: change.person.login, isOnline: change.isOnline)
            }
            self.tellPresence()
        }
    }

    func sessionRevoked(_ session: SessionID) {
        core.eventLoop?.execute {
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

    private func note(_ mark: MessengerMark) {
        service.chat.cursors.note(mark.user, device: MessengerService.name, at: mark.position)
    }
}

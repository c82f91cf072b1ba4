// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import NIOCore
import Storage
import Transport

/// One skaro connection.
///
/// Special about the protocol: a login answers a challenge and begins or restores a session, which one connection
/// serves at a time; the client cannot say how far it has read; it is told of its contacts. `RequestPipeline` keeps the
/// requests in order, `LiveReader` brings what is shown.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence
/// `@unchecked Sendable`.
final class SkaroSession: WebSocketSession, DeliverySession, LiveConnection, RequestSession, LogPresenter,
    @unchecked Sendable
{
    enum Request {
        case request(SkaroRequest)
        /// What is wrong with a frame that is none.
        case bad(String)
        /// Decoding it would hold up the event loop.
        case large(ByteBuffer)
    }

    enum Answer {
        /// With the frame, where encoding it would have held up the event loop.
        case response(SkaroResponse, frame: ByteBuffer? = nil)
        /// What is wrong with a frame that is no request.
        case refusal(String)
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
    let core = SessionCore<SkaroSession, WebSocketConnection>()
    private(set) var reader: LiveReader?
    /// What a login must sign; one that succeeds uses it up.
    let challenge: String
    var logIn: LogIn?
    /// What is pushed; begins when the answer to the login is written.
    var feed: SkaroFeed?
    /// News of contacts that could not be written yet, the newest of each.
    var changes: [UserID: WatchedChange] = [:]
    var look: Scheduled<Void>?
    /// Frames in a row that were no requests.
    var badFrames = 0
    private var isCut = false

    init(service: SkaroService, origin: Origin) {
        self.service = service
        self.origin = origin
        var random = SecureRandom()
        challenge = Token(byteCount: 32, using: &random).text
    }

    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: core.number) }
    var requests: SkaroRequests { SkaroRequests(service: service, origin: origin) }

    // MARK: From the connection

    func opened(_ connection: WebSocketConnection) {
        core.opened(
            connection, of: self, from: origin.address, limits: .init(requests: service.options.requestsInFlight),
            budget: service.inboundBudget, log: service.requests)
        reader = LiveReader(for: self, pages: service.chat.pages, executor: connection.taskExecutor)
        write(.checkConnection(token: challenge))
        connection.flush()
    }

    func received(binary: ByteBuffer) {
        let bytes = binary.readableBytes
        take(bytes > Chat.longWorkBytes ? .large(binary) : .decoded(binary), bytes: bytes)
    }

    func received(text: ByteBuffer) {
        take(.bad("The frame is a text message: it must be a binary one."), bytes: 0)
    }

    private func take(_ request: Request, bytes: Int) {
        guard let connection, let pipeline, !isEnding else { return }
        if !pipeline.receive(request, bytes: bytes) {
            connection.close(code: .tryAgainLater, reason: "The server is overloaded.")
        }
    }

    func receivedAll() {
        pipeline?.advance()
    }

    func writabilityChanged(isWritable: Bool) {
        guard isWritable else { return }
        pipeline?.advance()
        catchUp()
    }

    func drain() {
        // The client drops what comes before the answer to its login.
        if feed != nil, !isEnding { write(.info("The server is stopping. Connect again in a moment.")) }
        end(.goingAway, "The server is stopping. Connect again in a moment.")
    }

    func closed() {
        leave()
        core.closed()
    }

    // MARK: From the hub and other connections, on any thread

    func watchedChanged(_ changes: [WatchedChange]) {
        core.eventLoop?.execute { self.contactsChanged(changes) }
    }

    func sessionRevoked(_ session: SessionID) {
        core.eventLoop?.execute {
            if self.logIn?.principal.session == session { self.cut("The session was ended. Log in again.") }
        }
    }

    /// Closes the connection because another one goes on with its session; returns when what arrived here is noted.
    func handOver() async {
        guard let eventLoop = core.eventLoop else { return }
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                self.leave()
                self.core.endNow()
                self.connection?.close(code: .normal, reason: "The session goes on on another connection.")
                continuation.resume()
            }
        }
    }

    // MARK: The end

    /// Tells the peer why and closes, whatever is in flight.
    func cut(_ reason: String) {
        guard !isCut else { return }
        isCut = true
        core.endNow()
        leave()
        write(SkaroPush.error(reason))
        connection?.close(code: .policyViolation, reason: reason)
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
        reader?.end()
        changes = [:]
    }

    // MARK: Writing

    func write(_ answer: Answer) {
        switch answer {
        case .response(let response, let frame):
            connection?.write(binary: frame ?? response.frame())
            if case .session = response.content { startFeed() }
        case .refusal(let why): write(SkaroPush.error(why))
        }
    }

    func write(_ push: SkaroPush) {
        connection?.write(binary: ByteBuffer(bytes: push.encoded()))
    }

    /// The answer to the login is written: from now on the log is shown.
    private func startFeed() {
        guard connection != nil, !isEnding, let logIn else { return }
        feed = SkaroFeed(principal: logIn.principal)
        reader?.begin(after: logIn.start)
        service.chat.hub.attach(self, principal: logIn.principal, wantsNews: true)
        catchUp()
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import NIOCore
import Storage
import Transport

/// One FastChat connection.
///
/// Special about the protocol: the balancer has to have sent the client; the session ends with its connection; what goes to the
/// client is packed into arrays as late as can be, one on its way at a time, and messages are encrypted for the reader.
/// `RequestPipeline` keeps the requests in order, `LiveReader` brings what others write.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class FastChatSession: StreamSession, DeliverySession, LiveConnection, RequestSession, LogPresenter,
    @unchecked Sendable
{
    typealias Decoded = Result<FastChatRequest, FastChatDecodeError>

    enum Request {
        case decoded(Decoded)
        /// Decoding it would hold up the event loop.
        case large([UInt8])
    }

    /// What is told of a request that failed; what succeeds is told when it is done, if at all.
    struct Answer {
        var notice: FastChatNotice
        /// The connection ends after it.
        var isFinal = false

        static func refused(_ detail: String, group: FastChatGroupNumber? = nil) -> Answer {
            Answer(notice: .refused(detail, group: group))
        }
    }

    /// The longest value before the login.
    private static let maximumBytesBeforeLogIn = 64 << 10
    /// What may be in flight before nothing more is read.
    private static let maximumRequests = 64
    private static let maximumRequestBytes = 2 << 20
    /// After so many values in a row that are no JSON the connection ends.
    static let maximumUnparseable = 3

    let protocolName = FastChatService.name
    let service: FastChatService
    let origin: Origin
    /// Whose connection it is, from the time the hub knows it; the client hears of it when `news` is set.
    private(set) var holder: (principal: Principal, token: TokenHash)?
    /// What the client is told of the log.
    var news: FastChatNews?
    /// Values in a row that were no JSON.
    var unparseable = 0
    /// Whether the request that is being done was refused.
    var wasRefused = false
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private var eventLoop: (any EventLoop)?
    /// The same.
    private var number: UInt64 = 0
    private(set) var connection: StreamConnection?
    private(set) var pipeline: RequestPipeline<FastChatSession>?
    private var reader: LiveReader?
    private var splitter = FastChatSplitter(maximumBytes: maximumBytesBeforeLogIn)
    /// What the splitter holds has of the budget of all connections.
    private var reservedBytes = 0
    private var outbox: FastChatOutbox
    private var logInTimer: Scheduled<Void>?
    private var isPumpDue = false
    /// Encrypts a live run for the reader.
    private var sealing: Task<Void, Never>?
    /// The client sends no more, or the server is stopping: end when everything is done.
    private var isEnding = false
    /// Nothing is read or done any more.
    private(set) var isOver = false

    init(service: FastChatService, origin: Origin) {
        self.service = service
        self.origin = origin
        outbox = FastChatOutbox(maximumBytes: service.options.outboundBytes)
    }

    var peer: PeerConnection? { connection }
    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: number) }

    // MARK: From the connection

    func opened(_ connection: StreamConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        number = connection.id.rawValue
        pipeline = RequestPipeline(
            of: self, limits: .init(requests: Self.maximumRequests, bytes: Self.maximumRequestBytes),
            budget: service.registry.inboundBudget, executor: connection.taskExecutor,
            log: service.requests.ofConnection(connection.id, at: origin.address))
        reader = LiveReader(for: self, pages: service.chat.pages, executor: connection.taskExecutor)
        logInTimer = connection.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(
            in: TimeAmount(service.options.logInTimeout)
        ) { [weak self] in self?.end() }
    }

    func received(_ bytes: ByteBuffer) {
        guard !isOver, let pipeline else { return }
        let pieces = bytes.withUnsafeReadableBytes { splitter.receive($0) }
        var hasRoom = reserveInput()
        for piece in pieces where hasRoom && !isOver {
            switch piece {
            case .value(let value):
                let request: Request =
                    value.count > Chat.longWorkBytes ? .large(value) : .decoded(FastChatRequest.decoded(value))
                hasRoom = pipeline.receive(request, bytes: value.count)
            case .refusal(let error): hasRoom = pipeline.receive(.decoded(.failure(error)), bytes: 0)
            }
        }
        if !hasRoom { connection?.abort() }
    }

    func receivedAll() {
        pipeline?.advance()
    }

    func unitsAcknowledged(_ count: Int) {
        if let position = outbox.acknowledged(count) { note(position) }
        pump()
        pipeline?.advance()
        reader?.readIfDue()
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
        pipeline?.close()
        logInTimer?.cancel()
        service.registry.inboundBudget.release(reservedBytes)
        reservedBytes = 0
        detach()
        news = nil
        reader?.end()
        sealing?.cancel()
    }

    /// Takes from the budget of all connections what the splitter holds.
    private func reserveInput() -> Bool {
        let needed = splitter.bufferedBytes
        if needed > reservedBytes {
            guard service.registry.inboundBudget.reserve(needed - reservedBytes) else { return false }
        } else {
            service.registry.inboundBudget.release(reservedBytes - needed)
        }
        reservedBytes = needed
        return true
    }

    // MARK: From the hub, on any thread

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

    /// The account of the connection is known: what was missed follows the reply.
    func begin(_ news: FastChatNews, after position: Position, reply: FastChatReply) {
        guard !isOver, holder?.principal == news.principal else { return }
        logInTimer?.cancel()
        logInTimer = nil
        self.news = news
        reader?.begin(after: position)
        splitter.maximumBytes = FastChatSplitter.standardMaximumBytes
        service.chat.hub.attach(self, principal: news.principal, wantsNews: true)
        answer(reply)
        reader?.readIfDue()
    }

    // MARK: The end

    /// The session was revoked or has expired.
    func endSession() {
        guard !isOver else { return }
        if news != nil { tell(FastChatNotice("The session was ended by the server.")) }
        end()
    }

    private func endWhenDone() {
        isEnding = true
        if pipeline?.inFlight == 0 { end() }
    }

    func requestsDone() {
        if isEnding { end() }
    }

    /// Writes what waits and closes.
    func end() {
        guard !isOver, let connection else { return }
        isOver = true
        pipeline?.dropWaiting()
        while connection.bufferedBytes <= service.options.outboundBytes, let unit = outbox.next(ending: true) {
            connection.write(unit: ByteBuffer(bytes: unit))
        }
        connection.flush()
        connection.close()
    }

    // MARK: Writing

    /// Bytes that wait for the client, for tests.
    var heldBytes: Int { outbox.bufferedBytes + (connection?.bufferedBytes ?? 0) }

    var hasRoom: Bool { !isOver && outbox.hasRoom }
    func write(_ answer: Answer) {
        tell(answer.notice)
        if answer.isFinal { end() }
    }

    func outcome(of answer: Answer) -> RequestOutcome { .refused }

    func account(for answer: Answer?) -> Int64? { holder?.principal.user.rawValue }

    /// Tells why a request is not done whose task goes on.
    func refuse(_ detail: String, group: FastChatGroupNumber? = nil) {
        wasRefused = true
        tell(.refused(detail, group: group))
    }

    func tell(_ notice: FastChatNotice) {
        write(notice.encoded(for: news?.reader.number ?? FastChatUserNumber(0), time: service.time))
    }

    /// Replies stand alone; after a final one the connection closes.
    func answer(_ reply: FastChatReply) {
        guard !isOver else { return }
        outbox.append(reply: reply.encoded())
        wasRefused = wasRefused || reply.isFinal
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

    func deliver(_ delivery: FastChatDelivery) {
        guard !isOver, let news, let reader else { return }
        guard !service.chat.isExpired(news.principal) else { return endSession() }
        switch delivery {
        case .hint: reader.hinted()
        case .change(let change):
            if change.mayMove(news.principal.user) { return reader.hinted() }
            if reader.takes(change.span, isReady: true) { reached(change.span.upperBound) } else { reader.readIfDue() }
        case .run(let run):
            guard reader.takes(run.span, isReady: outbox.hasRoom && sealing == nil) else { return reader.readIfDue() }
            if news.reader.isQuick(run) { write(news.reader.entries(for: run)) } else { seal(run, for: news) }
        }
    }

    /// Encrypts what would hold up the event loop somewhere else; what comes meanwhile is read from the log.
    private func seal(_ run: LiveRun, for news: FastChatNews) {
        guard let connection else { return }
        let pages = service.chat.pages
        sealing = Task(executorPreference: connection.taskExecutor) {
            let entries = try? await pages.page { () async throws(ChatError) in
                try await FastChatService.offLoop { () async throws(ChatError) in news.reader.entries(for: run) }
            }
            self.sealing = nil
            guard let entries, !self.isOver, self.news?.principal == news.principal else { return }
            self.write(entries)
            self.reader?.readIfDue()
        }
    }

    private func write(_ entries: [FastChatReader.Entry]) {
        for entry in entries {
            for object in entry.objects { write(object) }
            reached(entry.position)
        }
    }

    var mayRead: Bool { hasRoom && news != nil && sealing == nil }

    func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard var reading = news else { return nil }
        let page = try await reading.page(after: position)
        guard !isOver else { return nil }
        guard !service.chat.isExpired(reading.principal) else {
            endSession()
            return nil
        }
        news?.toldOpen.formUnion(reading.toldOpen)
        write(page.entries)
        reached(page.cursor)
        return (page.cursor, page.isCut)
    }
}

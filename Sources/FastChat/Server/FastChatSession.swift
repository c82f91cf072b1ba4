// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import NIOCore
import Storage
import Transport

/// One FastChat connection.
///
/// Special about the protocol: the balancer has to have sent the client; the session ends with its connection; what
/// goes to the client is packed into arrays as late as can be, one on its way at a time, and messages are encrypted for
/// the reader. `RequestPipeline` keeps the requests in order, `LiveReader` brings what others write.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence
/// `@unchecked Sendable`.
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
    /// Whose connection it is, from the time the hub knows it; the client hears of it when `feed` is set.
    private(set) var holder: (principal: Principal, token: TokenHash)?
    /// What the client is told of the log.
    var feed: FastChatFeed?
    /// Values in a row that were no JSON.
    var unparseable = 0
    /// Whether the request that is being done was refused.
    var wasRefused = false
    let core = SessionCore<FastChatSession, StreamConnection>()
    private(set) var reader: LiveReader?
    private var splitter = FastChatSplitter(maximumBytes: maximumBytesBeforeLogIn)
    private var heldInput: HeldInput
    var outbox: FastChatOutbox
    private var logInTimer: Scheduled<Void>?
    var isPumpDue = false
    /// Encrypts a live run for the reader.
    var sealing: Task<Void, Never>?
    /// Nothing is read or done any more.
    private(set) var isOver = false

    init(service: FastChatService, origin: Origin) {
        self.service = service
        self.origin = origin
        heldInput = HeldInput(of: service.registry.inboundBudget)
        outbox = FastChatOutbox(maximumBytes: service.options.outboundBytes)
    }

    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: core.number) }

    // MARK: From the connection

    func opened(_ connection: StreamConnection) {
        core.opened(
            connection, of: self, from: origin.address,
            limits: .init(requests: Self.maximumRequests, bytes: Self.maximumRequestBytes),
            budget: service.registry.inboundBudget, log: service.requests)
        reader = LiveReader(for: self, pages: service.chat.pages, executor: connection.taskExecutor)
        logInTimer = connection.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(
            in: TimeAmount(service.options.logInTimeout)
        ) { [weak self] in self?.end() }
    }

    func received(_ bytes: ByteBuffer) {
        guard !isOver, let pipeline else { return }
        let pieces = bytes.withUnsafeReadableBytes { splitter.receive($0) }
        var hasRoom = heldInput.hold(splitter.bufferedBytes)
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
        drain()
    }

    func drain() {
        core.end { [unowned self] in end() }
    }

    func closed() {
        isOver = true
        core.closed()
        logInTimer?.cancel()
        heldInput.giveBackAll()
        detach()
        feed = nil
        reader?.end()
        sealing?.cancel()
    }

    // MARK: From the hub, on any thread

    func sessionRevoked(_ session: SessionID) {
        core.eventLoop?.execute {
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

    /// Ends the session: the client has no token, so that it cannot be resumed.
    func detach() {
        service.chat.hub.detach(self)
        guard let principal = holder?.principal else { return }
        holder = nil
        let chat = service.chat
        Task { try? await chat.logOut(principal) }
    }

    /// The account of the connection is known: what was missed follows the reply.
    func begin(_ feed: FastChatFeed, after position: Position, reply: FastChatReply) {
        guard !isOver, holder?.principal == feed.principal else { return }
        logInTimer?.cancel()
        logInTimer = nil
        self.feed = feed
        reader?.begin(after: position)
        splitter.maximumBytes = FastChatSplitter.standardMaximumBytes
        service.chat.hub.attach(self, principal: feed.principal, wantsNews: true)
        answer(reply)
        reader?.readIfDue()
    }

    // MARK: The end

    /// The session was revoked or has expired.
    func endSession() {
        guard !isOver else { return }
        outbox.dropWaiting()
        connection?.dropWaiting()
        if feed != nil { tell(FastChatNotice("The session was ended by the server.")) }
        end()
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
}

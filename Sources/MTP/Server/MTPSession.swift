// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import NIOCore
import Storage
import Transport

/// One MTP connection.
///
/// Special about the protocol: each request says who asks, and push belongs to who switched it on. `RequestPipeline`
/// keeps the requests in order, `LiveReader` brings what is pushed.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class MTPSession: WebSocketSession, DeliverySession, LiveConnection, RequestSession, LogPresenter,
    @unchecked Sendable
{
    typealias Decoded = Result<MTPRequest, MTPDecodeError>

    enum Request {
        case decoded(Decoded)
        /// Decoding it would hold up the event loop.
        case large(ByteBuffer)
    }

    /// What is written, and to whom.
    struct Answer {
        var response: MTPResponse
        var principal: Principal?
        /// The response, where encoding it would have held up the event loop.
        var frame: ByteBuffer?
    }

    let protocolName = MTPService.name
    let service: MTPService
    let origin: Origin
    var push = MTPPush()
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private(set) var eventLoop: (any EventLoop)?
    /// The same.
    private var number: UInt64 = 0
    private(set) var connection: WebSocketConnection?
    private(set) var pipeline: RequestPipeline<MTPSession>?
    private(set) var reader: LiveReader?
    /// Whose connection it is for the hub.
    var attached: MTPRequester?
    /// What the last request said of who asks.
    var lastCredentials: MTPCredentials?
    /// Close with this when nothing is in flight; no more frames are taken.
    private var ending: (code: WebSocketCloseCode, reason: String)?

    init(service: MTPService, origin: Origin) {
        self.service = service
        self.origin = origin
    }

    var peer: PeerConnection? { connection }
    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: number) }
    var isEnding: Bool { ending != nil }
    var requests: MTPRequests { MTPRequests(service: service, origin: origin) }

    // MARK: From the connection

    func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        number = connection.id.rawValue
        pipeline = RequestPipeline(
            of: self, limits: .init(requests: service.options.requestsInFlight), budget: service.inboundBudget,
            executor: connection.taskExecutor, log: service.requests.ofConnection(connection.id, at: origin.address))
        reader = LiveReader(for: self, pages: service.chat.pages, executor: connection.taskExecutor)
    }

    func received(text: ByteBuffer) {
        guard let connection, let pipeline, ending == nil else { return }
        let request: Request =
            text.readableBytes > Chat.longWorkBytes ? .large(text) : .decoded(MTPRequest.decoded(text))
        if !pipeline.receive(request, bytes: text.readableBytes) {
            connection.close(code: .tryAgainLater, reason: "The server is overloaded.")
        }
    }

    func receivedAll() {
        pipeline?.advance()
    }

    func writabilityChanged(isWritable: Bool) {
        guard isWritable else { return }
        pipeline?.advance()
        reader?.readIfDue()
    }

    func drain() {
        end(.goingAway, "The server is stopping.")
    }

    func closed() {
        connection = nil
        pipeline?.close()
        service.chat.hub.detach(self)
        stopPush()
    }

    // MARK: The end

    func end(_ code: WebSocketCloseCode, _ reason: String) {
        guard ending == nil else { return }
        ending = (code, reason)
        if pipeline?.inFlight == 0 { requestsDone() }
    }

    func requestsDone() {
        if let ending { connection?.close(code: ending.code, reason: ending.reason) }
        reader?.readIfDue()
    }

    /// Nobody's connection any more: whoever is next has to log in.
    func leave() {
        service.chat.hub.detach(self)
        stopPush()
        connection?.loggedOut()
    }

    private func stopPush() {
        attached = nil
        push = MTPPush()
        reader?.end()
    }

    func sessionRevoked(_ session: SessionID) {
        eventLoop?.execute {
            guard let attached = self.attached, attached.principal.session == session else { return }
            if !self.service.chat.isExpired(attached.principal) {
                self.end(.policyViolation, "The session was revoked.")
            } else if self.push.isWanted {
                self.end(.policyViolation, "The session has expired.")
            } else {
                // The next request is refused, and may be followed by a login.
                self.leave()
            }
        }
    }

    // MARK: Answers

    /// Writes an answer; what it shows may be where pushing begins.
    func write(_ answer: Answer) {
        connection?.write(text: answer.frame ?? answer.response.frame())
        guard let reader, push.isWanted else { return }
        // Only an answer with a cursor can switch pushing on.
        if reader.position == nil, let principal = answer.principal, push.principal?.user == principal.user,
            let since = answer.response.meta?.since.flatMap(MTPCursor.init)
        {
            reader.begin(after: Position(since.position))
            push.forgetOwn(upTo: Position(since.position))
        }
        reader.readIfDue()
    }

    // MARK: What is pushed

    func deliver(_ delivery: MTPDelivery) {
        guard let connection, let reader, connection.isOpen, !isEnding, !endIfExpired() else { return }
        switch delivery {
        case .hint: reader.hinted()
        case .messages(let frame, let run):
            let own = push.ownMessages(in: run)
            guard reader.takes(run.span, isReady: connection.isWritable) else { return reader.readIfDue() }
            if own == 0 {
                connection.write(frame: frame)
            } else if own < run.messages.count {
                let others = run.messages.filter { !push.isOwn($0.uuid) }
                write(pushing: MTPData(others, of: run, time: service.time), upTo: run.last)
            }
            push.forgetOwn(upTo: run.last)
            connection.flush()
        case .change(let frame, let change):
            // What a request causes that is no message is known when it is done.
            let isReady = connection.isWritable && pipeline?.isPerforming == false
            guard reader.takes(change.span, isReady: isReady) else { return reader.readIfDue() }
            show(change, frame, on: connection)
            push.forgetOwn(upTo: change.span.upperBound)
        }
    }

    /// Writes what the account sees of a change and the connection did not cause.
    private func show(_ change: LiveChange, _ frame: PreparedFrame?, on connection: WebSocketConnection) {
        guard let frame, let principal = push.principal, change.isVisible(to: principal.user) else { return }
        let others = change.excluding(push.ownPositions)
        // What only the account itself may know is not in the frame for all.
        if others.positions.count == change.positions.count, !change.isAbout(principal.user) {
            connection.write(frame: frame)
        } else if let data = MTPData(others, for: principal, time: service.time) {
            write(pushing: data, upTo: change.span.upperBound)
        }
        connection.flush()
    }

    func command(of request: Request) -> String {
        guard case .decoded(let decoded) = request else { return RequestLog.unknownCommand }
        return command(of: decoded)
    }

    func command(of decoded: Decoded) -> String {
        (try? decoded.get())?.method?.rawValue ?? RequestLog.unknownCommand
    }

    func outcome(of answer: Answer) -> RequestOutcome { RequestOutcome(status: answer.response.code) }

    func account(for answer: Answer?) -> Int64? { (answer?.principal ?? attached?.principal)?.user.rawValue }

    /// What takes too long to encode on the event loop; `nil` for anything else.
    func encoded(_ response: MTPResponse) async -> ByteBuffer? {
        guard response.data.map({ $0.textBytes > Chat.longWorkBytes }) == true else { return nil }
        return await service.chat.offLoop { response.frame() }
    }

    private func write(pushing data: MTPData, upTo cursor: Position) {
        connection?.write(text: MTPResponse(pushing: data, upTo: cursor, time: service.time).frame())
    }

    var mayRead: Bool {
        guard let connection, connection.isOpen, connection.isWritable, !isEnding else { return false }
        return push.isWanted && pipeline?.isPerforming == false
    }

    func showPage(after cursor: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard let principal = push.principal else { return nil }
        var updates = try await service.chat.updates(
            for: principal, after: cursor, limit: service.options.messagesPerAnswer, .pushed,
            excluding: push.ownPositions)
        // The session may have ended, or pushing been switched off, meanwhile.
        guard !isEnding, push.principal?.user == principal.user, !endIfExpired() else { return nil }
        // Committed after the read had begun.
        updates.messages.removeAll { push.isOwn($0.uuid) }
        push.forgetOwn(upTo: updates.cursor)
        if !updates.messages.isEmpty || !updates.flows.isEmpty || !updates.users.isEmpty {
            let page = MTPResponse(
                pushing: MTPRequests.data(updates, time: service.time, for: principal), upTo: updates.cursor,
                time: service.time)
            let frame = await encoded(page) ?? page.frame()
            guard !isEnding, push.principal?.user == principal.user else { return nil }
            connection?.write(text: frame)
            connection?.flush()
        }
        return (updates.cursor, updates.isCut)
    }

    /// Whether the session that is pushed to has expired; then the connection ends.
    private func endIfExpired() -> Bool {
        guard let principal = push.principal, service.chat.isExpired(principal) else { return false }
        end(.policyViolation, "The session has expired.")
        return true
    }
}

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
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence
/// `@unchecked Sendable`.
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
    var feed = MTPFeed()
    let core = SessionCore<MTPSession, WebSocketConnection>()
    private(set) var reader: LiveReader?
    /// Whose connection it is for the hub.
    var attached: MTPRequester?
    /// What the last request said of who asks.
    var lastCredentials: MTPCredentials?
    /// What the operator announced and the peer has not been told: only who has a cursor knows what a push is.
    var announcement: String?

    init(service: MTPService, origin: Origin) {
        self.service = service
        self.origin = origin
    }

    var address: DeliveryAddress { DeliveryAddress(sink: service.sink, connection: core.number) }
    var requests: MTPRequests { MTPRequests(service: service, origin: origin) }

    // MARK: From the connection

    func opened(_ connection: WebSocketConnection) {
        core.opened(
            connection, of: self, from: origin.address, limits: .init(requests: service.options.requestsInFlight),
            budget: service.inboundBudget, log: service.requests)
        reader = LiveReader(for: self, pages: service.chat.pages, executor: connection.taskExecutor)
    }

    func received(text: ByteBuffer) {
        guard let connection, let pipeline, !isEnding else { return }
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
        end(.goingAway, "The server is stopping. Connect again in a moment.")
    }

    func closed() {
        core.closed()
        service.chat.hub.detach(self)
        stopPush()
    }

    // MARK: The end

    func requestsDone() {
        core.endIfDone()
        reader?.readIfDue()
    }

    /// The connection has no account any more: the next one has to log in.
    func leave() {
        service.chat.hub.detach(self)
        stopPush()
        connection?.loggedOut()
    }

    private func stopPush() {
        attached = nil
        announcement = nil
        feed = MTPFeed()
        reader?.end()
    }

    func sessionRevoked(_ session: SessionID) {
        core.eventLoop?.execute {
            guard let attached = self.attached, attached.principal.session == session else { return }
            if !self.service.chat.isExpired(attached.principal) {
                self.end(.policyViolation, "The session was revoked.")
            } else if self.feed.isWanted {
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
        guard let reader, feed.isWanted else { return }
        // Only an answer with a cursor can switch pushing on.
        if reader.position == nil, let principal = answer.principal, feed.principal?.user == principal.user,
            let since = answer.response.meta?.since.flatMap(MTPCursor.init)
        {
            reader.begin(after: Position(since.position))
            feed.forgetOwn(upTo: Position(since.position))
            tellAnnouncement()
        }
        reader.readIfDue()
    }

    /// What takes too long to encode on the event loop; `nil` for anything else.
    func encoded(_ response: MTPResponse) async -> ByteBuffer? {
        guard response.data.map({ $0.textBytes > Chat.longWorkBytes }) == true else { return nil }
        return await service.chat.offLoop { response.frame() }
    }
}

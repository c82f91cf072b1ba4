// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import DequeModule
import JSON
import Logging
import NIOCore
import Storage
import Transport

/// One MTP connection.
///
/// Frames are decoded as they come and admitted in their order; answers leave in that order. A send is admitted when its write is
/// in the next batch, so many of one connection are in flight at once. Every other request waits until what came before it is
/// answered, and nothing is answered while the peer does not read: a connection holds little more than one answer.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class MTPSession: WebSocketSession, DeliverySession, LiveConnection, @unchecked Sendable {
    /// Requests in flight whose frames are longer than this together let no more come in.
    private static let maximumBytesInWork = 1 << 20

    private struct Frame {
        var decoded: Result<MTPRequest, MTPDecodeError>
        var bytes: Int
    }

    /// An answer in the making.
    private struct Slot {
        enum Answer {
            case ready(MTPResponse)
            case message(MTPRequest, MTPRequester, PendingMessage)
        }

        var answer: Answer
        /// The length of the request.
        var bytes: Int
    }

    let protocolName = MTPService.name
    let service: MTPService
    let origin: Origin
    var push = MTPPush()
    private(set) var connection: WebSocketConnection?
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private(set) var eventLoop: (any EventLoop)?
    /// The same.
    private(set) var address: DeliveryAddress?
    private var inbox = Deque<Frame>()
    private var slots = Deque<Slot>()
    private var admitting: Task<Void, Never>?
    private var isAnswering = false
    /// A request that is no send is being answered.
    private var isPerforming = false
    private var isPaused = false
    /// Requests that have come and are not answered.
    private(set) var inFlight = 0
    private var share: InboundShare
    /// Of these, those that were admitted.
    private var unanswered = 0
    private var afterAnswers: CheckedContinuation<Void, Never>?
    private var afterWritable: [CheckedContinuation<Void, Never>] = []
    /// Whose connection it is for the hub.
    var attached: MTPRequester?
    /// Close with this when nothing is in flight; no more frames are taken.
    private var ending: (code: WebSocketCloseCode, reason: String)?

    init(service: MTPService, origin: Origin) {
        self.service = service
        self.origin = origin
        share = InboundShare(of: service.inboundBudget)
    }

    /// Whether answers are under way: what they caused is not known yet.
    var isBusy: Bool { isAnswering || isPerforming }
    var isEnding: Bool { ending != nil }

    // MARK: From the connection

    func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        address = DeliveryAddress(sink: service.sink, connection: connection.id.rawValue)
    }

    func received(text: ByteBuffer) {
        guard let connection, ending == nil else { return }
        let bytes = text.readableBytes
        guard share.take(bytes) else {
            return connection.close(code: .tryAgainLater, reason: "The server is overloaded.")
        }
        let decoded = Result { () throws(MTPDecodeError) in try MTPRequest(decoding: text) }
        inbox.append(Frame(decoded: decoded, bytes: bytes))
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
        pushIfDue()
    }

    func drain() {
        end(.goingAway, "The server is stopping.")
    }

    func closed() {
        connection = nil
        // Nobody reads the answer; also a place among the password hashes becomes free.
        admitting?.cancel()
        service.chat.hub.detach(self)
        attached = nil
        push = MTPPush()
        inbox.removeAll()
        share.giveBackAll()
        resumeAfterWritable()
    }

    // MARK: The end

    func end(_ code: WebSocketCloseCode, _ reason: String) {
        guard ending == nil else { return }
        ending = (code, reason)
        closeIfDone()
    }

    private func closeIfDone() {
        guard let ending, inFlight == 0 else { return }
        connection?.close(code: ending.code, reason: ending.reason)
    }

    // MARK: Admitting

    private func startAdmitting() {
        guard admitting == nil, !inbox.isEmpty, let connection else { return }
        admitting = Task(executorPreference: connection.taskExecutor) { await self.admitAll() }
    }

    private func admitAll() async {
        while let frame = inbox.popFirst() {
            unanswered += 1
            await admit(frame)
        }
        admitting = nil
        answersEnded()
    }

    /// The checks of every frame in the protocol's order; then a send goes into the batch, and others are done.
    private func admit(_ frame: Frame) async {
        let checked = await check(frame.decoded)
        switch checked {
        case .refused(let response):
            answer(Slot(answer: .ready(response), bytes: frame.bytes))
        case .checked(let request, .sendMessage, let requester?):
            do throws(MTPFailure) {
                let methods = MTPMethods(service: service, origin: origin)
                let pending = try await methods.submit(request.data, by: requester.principal)
                push.sends(pending.uuid)
                answer(Slot(answer: .message(request, requester, pending), bytes: frame.bytes))
            } catch {
                let response = refusal(request.type, error.status, error.detail)
                answer(Slot(answer: .ready(response), bytes: frame.bytes))
            }
        case .checked(let request, let method, let requester):
            await othersAnswered()
            await writable()
            isPerforming = true
            let perform = { () async in
                self.write(await self.answer(request, method, requester), to: requester, bytes: frame.bytes)
                self.connection?.flush()
            }
            if method.readsPages { await service.chat.pages.page(perform) } else { await perform() }
            isPerforming = false
        }
    }

    /// Returns when everything that was admitted before is answered.
    private func othersAnswered() async {
        guard unanswered > 1 else { return }
        await withCheckedContinuation { afterAnswers = $0 }
    }

    // MARK: Answering

    private func answer(_ slot: Slot) {
        slots.append(slot)
        guard !isAnswering, let connection else { return }
        isAnswering = true
        Task(executorPreference: connection.taskExecutor) { await self.answerAll() }
    }

    private func answerAll() async {
        while let slot = slots.popFirst() {
            switch slot.answer {
            case .ready(let response):
                await writable()
                write(response, to: nil, bytes: slot.bytes)
            case .message(let request, let requester, let pending):
                if !pending.isSettled { connection?.flush() }
                let response = await answer(request, requester, pending)
                await writable()
                write(response, to: requester, bytes: slot.bytes)
            }
        }
        isAnswering = false
        answersEnded()
    }

    private func answersEnded() {
        connection?.flush()
        closeIfDone()
        pushIfDue()
    }

    /// Writes an answer; what it shows may be where pushing begins.
    private func write(_ response: MTPResponse, to requester: MTPRequester?, bytes: Int) {
        write(response)
        // Only an answer with a cursor can switch pushing on.
        if let requester, let since = response.meta?.since.flatMap(MTPCursor.init) {
            push.begin(after: Position(since.position), for: requester.principal)
        }
        inFlight -= 1
        unanswered -= 1
        share.giveBack(bytes)
        if isPaused, inFlight <= service.options.requestsInWork / 2, share.bytes <= Self.maximumBytesInWork {
            isPaused = false
            connection?.resumeReading()
        }
        // The one that waits was admitted, too.
        if unanswered == 1, let waiting = afterAnswers {
            afterAnswers = nil
            waiting.resume()
        }
    }

    // MARK: Writing

    func write(_ response: MTPResponse) {
        connection?.write(text: ByteBuffer(bytes: response.encoded()))
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
}

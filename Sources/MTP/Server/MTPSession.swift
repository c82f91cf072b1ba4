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
/// in the next batch, so many of one connection are in work at once. Other requests wait for the sends before them.
///
/// Everything is touched on the connection's event loop only: the tasks prefer its executor. Hence `@unchecked Sendable`.
final class MTPSession: WebSocketSession, DeliverySession, LiveConnection, @unchecked Sendable {
    /// How long a push waits that could not be read.
    private static let retryPause = TimeAmount.seconds(1)

    typealias Decoded = Result<MTPRequest, MTPDecodeError>

    /// An answer in the making.
    enum Slot {
        case ready(MTPResponse)
        case message(MTPRequest, MTPRequester, PendingMessage)
        case working(Task<MTPResponse, Never>)
    }

    let protocolName = MTPService.name
    let service: MTPService
    let origin: Origin
    var push = MTPPush()
    private var connection: WebSocketConnection?
    /// Set in `opened`, before any other thread knows the session, and never again: safe to read anywhere.
    private var eventLoop: (any EventLoop)?
    /// The same.
    private(set) var address: DeliveryAddress?
    private var inbox = Deque<Decoded>()
    private var slots = Deque<Slot>()
    private var isAdmitting = false
    private var isAnswering = false
    private var isPaused = false
    /// Requests that have come and are not answered.
    private var inWork = 0
    private var sendsInWork = 0
    private var afterSends: CheckedContinuation<Void, Never>?
    private var attached: Asker?
    /// Close with this when nothing is in work.
    private var ending: (code: WebSocketCloseCode, reason: String)?

    init(service: MTPService, origin: Origin) {
        self.service = service
        self.origin = origin
    }

    // MARK: From the connection

    func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        eventLoop = connection.eventLoop
        address = DeliveryAddress(sink: service.sink, connection: connection.id.rawValue)
    }

    func received(text: ByteBuffer) {
        inbox.append(
            Result { () throws(MTPDecodeError) in try MTPRequest(decoding: text) })
        inWork += 1
        if inWork >= service.options.requestsInWork, !isPaused {
            isPaused = true
            connection?.pauseReading()
        }
        // One read may hold more frames than one task needs to be started for; a paused one gets no `receivedAll`.
        if isPaused { startAdmitting() }
    }

    func receivedAll() {
        startAdmitting()
    }

    func writabilityChanged(isWritable: Bool) {
        if isWritable { pushIfDue() }
    }

    func drain() {
        end(.goingAway, "The server is stopping.")
    }

    func closed() {
        connection = nil
        service.chat.hub.detach(self)
        attached = nil
        push = MTPPush()
        inbox.removeAll()
    }

    // MARK: From the hub, on any thread

    func newsArrived() {
        eventLoop?.execute { self.pushIfDue() }
    }

    func sessionRevoked() {
        eventLoop?.execute { self.end(.policyViolation, "The session was revoked.") }
    }

    private func end(_ code: WebSocketCloseCode, _ reason: String) {
        ending = (code, reason)
        closeIfDone()
    }

    private func closeIfDone() {
        guard let ending, inWork == 0 else { return }
        connection?.close(code: ending.code, reason: ending.reason)
    }

    // MARK: Admitting

    private func startAdmitting() {
        guard !isAdmitting, !inbox.isEmpty, let connection else { return }
        isAdmitting = true
        Task(executorPreference: connection.taskExecutor) { await self.admitAll() }
    }

    private func admitAll() async {
        while let decoded = inbox.popFirst() {
            let slot = await admit(decoded)
            slots.append(slot)
            startAnswering()
        }
        isAdmitting = false
    }

    /// The checks of every frame in the protocol's order; then a send goes into the batch, and others begin their work.
    private func admit(_ decoded: Decoded) async -> Slot {
        let request: MTPRequest
        switch decoded {
        case .failure(let error): return .ready(refusal(MTPResponse.errorType, .unsupportedMediaType, error.detail))
        case .success(let decoded): request = decoded
        }
        guard let version = MTPVersion(request.version), service.options.versions.contains(version) else {
            let versions = service.options.versions
            return .ready(
                refusal(
                    MTPResponse.errorType, .versionNotSupported,
                    "The server speaks versions \(versions.lowerBound) to \(versions.upperBound)."))
        }
        guard let method = request.method else {
            return .ready(refusal(MTPResponse.errorType, .methodNotAllowed, "There is no method of that name."))
        }
        var requester: MTPRequester?
        if method.needsAuthorization {
            switch await authorize(request) {
            case .success(let asker): requester = MTPRequester(asker)
            case .failure(let failure): return .ready(refusal(method.rawValue, failure.status, failure.detail))
            }
        }
        if method == .sendMessage, let requester {
            return await admitSend(request, requester)
        }
        await sendsAnswered()
        if method.changesTheLog { return .ready(await answer(request, method, requester)) }
        guard let connection else { return .ready(refusal(method.rawValue, .clientClosedRequest, nil)) }
        let known = requester
        return .working(
            Task(executorPreference: connection.taskExecutor) { await self.answer(request, method, known) })
    }

    private func admitSend(_ request: MTPRequest, _ requester: MTPRequester) async -> Slot {
        do {
            let methods = MTPMethods(service: service, origin: origin)
            let pending = try await methods.submit(request.data, by: requester.asker)
            sendsInWork += 1
            push.sends(pending.uuid)
            return .message(request, requester, pending)
        } catch {
            return .ready(refusal(request.type, error.status, error.detail))
        }
    }

    private func authorize(_ request: MTPRequest) async -> Result<Asker, MTPFailure> {
        guard let user = request.asker, let uuid = user.uuid.flatMap(Identifier.init(decimal:)), let token = user.authID
        else { return .failure(MTPFailure(.unauthorized, "data.user[0] needs the uuid and the auth_id of who asks.")) }
        do {
            let asker = try await service.chat.asker(uuid: uuid, token: .init(of: token), from: origin)
            authorized(asker, wantsPush: request.meta?.push == true)
            return .success(asker)
        } catch {
            return .failure(MTPFailure(error))
        }
    }

    private func authorized(_ asker: Asker, wantsPush: Bool) {
        guard connection != nil else { return }
        if attached == nil { connection?.setMaximumMessageBytes(service.options.frameBytes) }
        guard attached != asker || wantsPush && !push.isWanted else { return }
        attached = asker
        if wantsPush { push.wanted(by: asker) }
        service.chat.hub.attach(self, asker: asker, wantsNews: push.isWanted)
    }

    private func leaveHub() {
        service.chat.hub.detach(self)
        attached = nil
    }

    private func sendsAnswered() async {
        guard sendsInWork > 0 else { return }
        await withCheckedContinuation { afterSends = $0 }
    }

    // MARK: Answering

    private func startAnswering() {
        guard !isAnswering, let connection else { return }
        isAnswering = true
        Task(executorPreference: connection.taskExecutor) { await self.answerAll() }
    }

    private func answerAll() async {
        while let slot = slots.popFirst() {
            let (response, since) = await response(of: slot)
            write(response)
            if let since { push.begin(after: since) }
            inWork -= 1
            if case .message = slot { sendAnswered() }
            if isPaused, inWork <= service.options.requestsInWork / 2 {
                isPaused = false
                connection?.resumeReading()
            }
        }
        connection?.flush()
        isAnswering = false
        closeIfDone()
        pushIfDue()
    }

    private func sendAnswered() {
        sendsInWork -= 1
        guard sendsInWork == 0, let waiting = afterSends else { return }
        afterSends = nil
        waiting.resume()
    }

    /// The answer, and where pushing begins if it switches that on.
    private func response(of slot: Slot) async -> (MTPResponse, Position?) {
        var response: MTPResponse
        switch slot {
        case .ready(let known): response = known
        case .working(let task):
            connection?.flush()
            response = await task.value
        case .message(let request, let requester, let pending):
            if !pending.isSettled { connection?.flush() }
            response = await answer(request, requester, pending)
        }
        // Only an answer with a cursor can switch pushing on: what it shows ends there.
        guard push.isWaiting, let since = response.meta?.since.flatMap(MTPCursor.init) else { return (response, nil) }
        return (response, Position(since.position))
    }

    private func answer(
        _ request: MTPRequest, _ requester: MTPRequester, _ pending: PendingMessage
    ) async -> MTPResponse {
        do {
            let receipt = try await service.chat.receipt(of: pending)
            push.sent(pending.uuid, at: receipt.position)
            let message = MessageObject(
                uuid: pending.uuid.description, clientID: request.data.message?.first?.clientID,
                fromUser: requester.asker.uuid.description, fromFlow: request.data.flow?.first?.uuid,
                time: receipt.time.seconds)
            return MTPResponse(
                type: request.type, .ok, time: service.time,
                data: MTPData(time: receipt.time.seconds, message: [message]),
                meta: request.meta.map { _ in MTPMeta(since: MTPCursor(position: receipt.position.rawValue).text) })
        } catch {
            push.didNotSend(pending.uuid)
            let failure = MTPFailure(error)
            return refusal(request.type, failure.status, failure.detail)
        }
    }

    private func answer(_ request: MTPRequest, _ method: MTPMethod, _ requester: MTPRequester?) async -> MTPResponse {
        // An account's end closes its connections; not this one, which is to get its answer and may log in again.
        if method == .deleteUser { leaveHub() }
        do {
            var outcome = try await MTPMethods(service: service, origin: origin).perform(
                method, request.data, meta: request.meta, by: requester?.asker)
            if let position = outcome.caused { push.caused(position) }
            if let asker = outcome.asker { authorized(asker, wantsPush: false) }
            if method == .deleteUser { push = MTPPush() }
            var meta: MTPMeta?
            if request.meta != nil {
                if outcome.cursor == nil { outcome.cursor = try? await service.chat.head() }
                meta = outcome.cursor.map { MTPMeta(since: MTPCursor(position: $0.rawValue).text) }
            }
            return MTPResponse(
                type: request.type, outcome.status, detail: outcome.detail, time: service.time, data: outcome.data,
                meta: meta)
        } catch {
            if method == .deleteUser, let requester { authorized(requester.asker, wantsPush: false) }
            return refusal(request.type, error.status, error.detail)
        }
    }

    private func refusal(_ type: String, _ status: MTPStatus, _ detail: String?) -> MTPResponse {
        MTPResponse(type: type, status, detail: detail, time: service.time)
    }

    func write(_ response: MTPResponse) {
        connection?.write(text: ByteBuffer(bytes: response.encoded()))
    }

    // MARK: Pushing

    func deliver(_ delivery: MTPDelivery) {
        guard let connection, connection.isOpen, ending == nil else { return }
        switch delivery {
        case .hint: pushIfDue()
        case .messages(let frame, let run):
            // While the connection's own requests are in work a read leaves out what they caused.
            if push.takes(run, isReady: inWork == 0 && connection.isWritable) {
                connection.write(frame: frame)
                connection.flush()
            } else {
                readIfDue()
            }
        }
    }

    /// Starts a look into the log if there may be something to push and the peer keeps up.
    func pushIfDue() {
        guard let connection, connection.isOpen, ending == nil else { return }
        push.hinted()
        readIfDue()
    }

    private func readIfDue() {
        guard let connection, !isAnswering, connection.isWritable, push.start() else { return }
        Task(executorPreference: connection.taskExecutor) { await self.pushAll() }
    }

    private func pushAll() async {
        while connection?.isWritable == true, let (asker, cursor) = push.next() {
            do {
                var updates = try await service.chat.updates(
                    for: asker, after: cursor, limit: service.options.messagesPerAnswer, .pushed,
                    excluding: push.ownPositions)
                // Committed after the read had begun.
                updates.messages.removeAll { push.isOwn($0.uuid) }
                guard push.arrived(at: updates.cursor, more: updates.isCut) else { break }
                guard !updates.messages.isEmpty || !updates.flows.isEmpty || !updates.users.isEmpty else { continue }
                write(
                    MTPResponse(
                        type: MTPMethod.getUpdate.rawValue, .ok, time: service.time,
                        data: MTPMethods.data(updates, time: service.time, for: asker),
                        meta: MTPMeta(push: true, since: MTPCursor(position: updates.cursor.rawValue).text)))
                connection?.flush()
            } catch {
                push.hinted()
                retryLater()
                break
            }
        }
        push.stop()
    }

    /// Reads again from the same cursor when the store may have recovered; the next hint may come first.
    private func retryLater() {
        connection?.eventLoop.scheduleTask(in: Self.retryPause) { self.readIfDue() }
    }
}

/// Who asks, once that is known.
struct MTPRequester {
    var asker: Asker

    init(_ asker: Asker) {
        self.asker = asker
    }
}

extension MTPResponse {
    /// The `type` of an answer to what was not recognised.
    static let errorType = MTPMethod.errorType
}

extension MTPMethod {
    /// Whether requests of this kind are done one after the other, in order with the sends.
    var changesTheLog: Bool {
        switch self {
        case .addFlow, .deleteUser, .deleteMessage, .editedMessage, .sendMessage: true
        case .registerUser, .authentication, .getUpdate, .allMessages, .allFlow, .userInfo, .pingPong: false
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import NIOCore
import Storage
import Transport

/// What requests are checked for and answered with, and whose connection it is.
extension MTPSession {
    // MARK: Admitting

    /// The checks of every frame in the protocol's order; then a message goes into the batch if all it needs is in
    /// memory.
    func admit(_ request: Request, as ticket: RequestTicket) -> RequestAdmission<Answer> {
        guard case .decoded(let decoded) = request else { return .waits(forAnswers: true) }
        do throws(MTPRefusal) {
            let (request, method) = try check(decoded)
            switch method {
            case .sendMessage:
                guard let requester = knownRequester(request) else { return .waits(forAnswers: false) }
                return try sendAtOnce(request, by: requester, as: ticket) ? .submitted : .waits(forAnswers: false)
            case .pingPong:
                guard request.meta == nil, let requester = knownRequester(request) else {
                    return .waits(forAnswers: true)
                }
                return .answer(
                    Answer(
                        response: MTPResponse(type: request.type, .ok, time: service.time),
                        principal: requester.principal))
            case .registerUser, .authentication, .getUpdate, .allMessages, .addFlow, .allFlow, .userInfo, .deleteUser,
                .deleteMessage, .editedMessage:
                return .waits(forAnswers: true)
            }
        } catch {
            return .answer(refusal(decoded, error))
        }
    }

    func perform(_ request: Request, as ticket: RequestTicket) async -> RequestAdmission<Answer> {
        let decoded =
            switch request {
            case .decoded(let decoded): decoded
            case .large(let frame): await service.chat.offLoop { MTPRequest.decoded(frame) }
            }
        if case .large = request { pipeline?.setCommand(command(of: decoded), of: ticket) }
        do throws(MTPRefusal) {
            let (request, method) = try check(decoded)
            let requester = method.needsAuthorization ? try await authorize(request) : nil
            if method == .sendMessage, let requester {
                try await send(request, by: requester, as: ticket)
                return .submitted
            }
            guard method.readsPages, let requester else {
                return .answer(await answer(request, method, requester))
            }
            return try await page(of: requester) { () async in await answer(request, method, requester) }
        } catch {
            return .answer(refusal(decoded, error))
        }
    }

    /// An answer that shows a page, unless its session has ended before it is read.
    private func page(
        of requester: MTPRequester, _ body: () async -> Answer
    ) async throws(MTPRefusal) -> RequestAdmission<Answer> {
        do throws(ChatError) {
            let page = try await service.chat.page(for: requester.principal, token: requester.token, body)
            return page.map { .answer($0) } ?? .done
        } catch {
            throw MTPRefusal(error)
        }
    }

    private func check(_ decoded: Decoded) throws(MTPRefusal) -> (MTPRequest, MTPMethod) {
        let request: MTPRequest
        switch decoded {
        case .failure(let error): throw MTPRefusal(.unsupportedMediaType, error.detail)
        case .success(let decoded): request = decoded
        }
        let versions = service.options.versions
        guard let version = MTPVersion(request.version), versions.contains(version) else {
            throw MTPRefusal(
                .versionNotSupported,
                "The server speaks versions \(versions.lowerBound) to \(versions.upperBound).")
        }
        guard let method = request.method else {
            throw MTPRefusal(.methodNotAllowed, "There is no method of that name.")
        }
        return (request, method)
    }

    private func refusal(_ decoded: Decoded, _ failure: MTPRefusal) -> Answer {
        let type: String
        switch (decoded, failure.status) {
        // What was not recognised has no type of its own.
        case (.success(let request), let status) where status != .versionNotSupported && status != .methodNotAllowed:
            type = request.type
        default: type = MTPMethod.errorType
        }
        return refusal(type, failure)
    }

    private func refusal(_ type: String, _ failure: MTPRefusal) -> Answer {
        Answer(response: MTPResponse(type: type, failure.status, detail: failure.detail, time: service.time))
    }

    // MARK: Who asks

    /// Who asks, if that is in memory and nothing about the connection changes with it.
    private func knownRequester(_ request: MTPRequest) -> MTPRequester? {
        guard attached != nil, let credentials = try? credentials(of: request),
            let principal = service.chat.knownPrincipal(
                uuid: credentials.uuid, token: credentials.hash, from: origin)
        else { return nil }
        if request.meta?.push == true, feed.principal != principal { return nil }
        return MTPRequester(principal: principal, token: credentials.hash)
    }

    /// What a request says of who asks; the hash of the last one's token is remembered.
    private func credentials(of request: MTPRequest) throws(MTPRefusal) -> MTPCredentials {
        if let last = lastCredentials, last.isSame(as: request.principal) { return last }
        guard let credentials = MTPCredentials(request.principal) else {
            throw MTPRefusal(.unauthorized, "data.user[0] needs the uuid and the auth_id of who asks.")
        }
        lastCredentials = credentials
        return credentials
    }

    private func authorize(_ request: MTPRequest) async throws(MTPRefusal) -> MTPRequester {
        let credentials = try credentials(of: request)
        do throws(ChatError) {
            let principal = try await service.chat.principal(
                uuid: credentials.uuid, token: credentials.hash, from: origin)
            let requester = MTPRequester(principal: principal, token: credentials.hash)
            try await belong(to: requester, wantsPush: request.meta?.push == true, isLogIn: false)
            return requester
        } catch {
            throw MTPRefusal(error)
        }
    }

    /// Decides whose connection it is for the hub: who switched push on, else who logged in on it last, else who asked
    /// first.
    ///
    /// - Throws: What the session is refused with, if it ended just before the hub knew the connection.
    private func belong(to requester: MTPRequester, wantsPush: Bool, isLogIn: Bool) async throws(ChatError) {
        guard let connection else { return }
        if attached == nil { connection.loggedIn(maximumMessageBytes: service.options.frameBytes) }
        if wantsPush {
            guard feed.wanted(by: requester.principal) else { return }
        } else {
            guard attached == nil || isLogIn && !feed.isWanted else { return }
        }
        guard attached?.principal != requester.principal || wantsPush else { return }
        attached = requester
        service.chat.hub.attach(self, principal: requester.principal, wantsNews: feed.isWanted)
        do throws(ChatError) {
            // Revoked before the hub knew the connection: no revocation would reach it.
            _ = try await service.chat.principal(uuid: requester.principal.uuid, token: requester.token)
        } catch {
            if attached == requester { leave() }
            throw error
        }
    }

    // MARK: Messages

    private func sendAtOnce(
        _ request: MTPRequest, by requester: MTPRequester, as ticket: RequestTicket
    ) throws(MTPRefusal) -> Bool {
        let (content, uuid) = try MTPRequests.message(in: request.data)
        let sent = SentMessage(request, by: requester, as: ticket, uuid: service.chat.newMessageIdentifier())
        do throws(ChatError) {
            guard let flow = try service.chat.knownFlow(uuid, for: requester.principal), let connection else {
                return false
            }
            feed.sends(sent.uuid)
            let isSubmitted = try service.chat.submitAtOnce(
                content, as: sent.uuid, to: flow, by: requester.principal, on: connection.taskExecutor
            ) { self.settle(sent, $0) }
            if !isSubmitted { feed.didNotSend(sent.uuid) }
            return isSubmitted
        } catch {
            feed.didNotSend(sent.uuid)
            throw MTPRefusal(error)
        }
    }

    private func send(
        _ request: MTPRequest, by requester: MTPRequester, as ticket: RequestTicket
    ) async throws(MTPRefusal) {
        let (content, uuid) = try MTPRequests.message(in: request.data)
        let counted: CountedMessage
        do { counted = try service.chat.count(messageBy: requester.principal) } catch { throw MTPRefusal(error) }
        let sent = SentMessage(request, by: requester, as: ticket, uuid: counted.uuid)
        do throws(ChatError) {
            let flow = try await service.chat.flow(uuid, for: requester.principal)
            guard let connection else { throw .busy }
            feed.sends(sent.uuid)
            try await service.chat.submit(content, as: counted, to: flow, on: connection.taskExecutor) {
                self.settle(sent, $0)
            }
        } catch {
            feed.didNotSend(sent.uuid)
            throw MTPRefusal(error)
        }
    }

    private func settle(_ sent: SentMessage, _ outcome: MessageOutcome) {
        switch outcome {
        case .success(let receipt):
            feed.sent(sent.uuid, at: receipt.position, shown: reader?.position)
            let message = MessageObject(
                uuid: MTPIdentifier(sent.uuid), clientID: sent.clientID, fromUser: MTPIdentifier(sent.principal.uuid),
                fromFlow: sent.flow, time: receipt.time.seconds)
            let response = MTPResponse(
                type: sent.type, .ok, time: service.time,
                data: MTPData(time: receipt.time.seconds, message: [message]),
                meta: sent.hasMeta ? MTPMeta(since: MTPCursor(position: receipt.position.rawValue).text) : nil)
            pipeline?.settle(sent.ticket, Answer(response: response, principal: sent.principal))
        case .failure(let error):
            feed.didNotSend(sent.uuid)
            pipeline?.settle(sent.ticket, refusal(sent.type, MTPRefusal(error)))
        }
        pipeline?.advance()
    }

    // MARK: Other requests

    private func answer(_ request: MTPRequest, _ method: MTPMethod, _ requester: MTPRequester?) async -> Answer {
        do throws(MTPRefusal) {
            // The end of an account or a session closes its connections; not this one, which is to get its answer and
            // may log in again.
            let ends = method == .deleteUser || method == .pingPong && request.meta?.endSession == true
            let own = ends && attached?.principal.user == requester?.principal.user ? attached : nil
            if own != nil { service.chat.hub.detach(self) }
            var outcome: MTPRequests.Outcome
            do throws(MTPRefusal) {
                outcome = try await requests.perform(method, request.data, meta: request.meta, by: requester?.principal)
                if own != nil { leave() }
            } catch {
                if let own { await returnToHub(own) }
                throw error
            }
            if let position = outcome.caused { feed.caused(position, shown: reader?.position) }
            if let logIn = outcome.logIn {
                do throws(ChatError) {
                    try await belong(to: logIn, wantsPush: false, isLogIn: true)
                } catch {
                    throw MTPRefusal(error)
                }
            }
            var meta: MTPMeta?
            if request.meta != nil {
                if outcome.cursor == nil { outcome.cursor = try? await service.chat.head() }
                meta = outcome.cursor.map { MTPMeta(since: MTPCursor(position: $0.rawValue).text) }
            }
            let response = MTPResponse(
                type: request.type, outcome.status, detail: outcome.detail, time: service.time, data: outcome.data,
                meta: meta)
            return Answer(
                response: response, principal: requester?.principal, frame: await encoded(response))
        } catch {
            return refusal(request.type, error)
        }
    }

    /// The account was not deleted: its connection goes on, unless the session was revoked meanwhile.
    private func returnToHub(_ requester: MTPRequester) async {
        guard connection != nil else { return }
        service.chat.hub.attach(self, principal: requester.principal, wantsNews: feed.isWanted)
        if (try? await service.chat.principal(uuid: requester.principal.uuid, token: requester.token)) == nil {
            end(.policyViolation, "The session was revoked.")
        }
    }

    // MARK: For the log

    func command(of request: Request) -> String {
        guard case .decoded(let decoded) = request else { return RequestLog.unknownCommand }
        return command(of: decoded)
    }

    func command(of decoded: Decoded) -> String {
        (try? decoded.get())?.method?.rawValue ?? RequestLog.unknownCommand
    }

    func outcome(of answer: Answer) -> RequestOutcome { RequestOutcome(status: answer.response.code) }

    func account(for answer: Answer?) -> Int64? { (answer?.principal ?? attached?.principal)?.user.rawValue }
}

/// Who asks, once that is known.
struct MTPRequester: Equatable {
    var principal: Principal
    /// Of the session, to ask whether it is still good.
    var token: TokenHash
}

/// What a request says of who asks.
struct MTPCredentials {
    /// A copy: it keeps no frame in memory.
    private let token: JSONText
    let uuid: Identifier
    let hash: TokenHash

    /// `nil` unless there are both a uuid and a token.
    init?(_ user: UserObject?) {
        guard let uuid = user?.uuid?.identifier, let token = user?.authID else { return nil }
        self.token = JSONText(token.string)
        self.uuid = uuid
        hash = token.withUTF8 { TokenHash(ofBytes: $0) }
    }

    /// Whether a request says the same.
    func isSame(as user: UserObject?) -> Bool {
        user?.uuid?.identifier == uuid && user?.authID == token
    }
}

/// What the answer to a message needs of its request.
private struct SentMessage: Sendable {
    let ticket: RequestTicket
    let uuid: Identifier
    let principal: Principal
    let type: String
    let clientID: Int64?
    let flow: MTPIdentifier?
    let hasMeta: Bool

    init(_ request: MTPRequest, by requester: MTPRequester, as ticket: RequestTicket, uuid: Identifier) {
        self.ticket = ticket
        self.uuid = uuid
        principal = requester.principal
        type = request.type
        clientID = request.data.message?.first?.clientID
        flow = request.data.flow?.first?.uuid
        hasMeta = request.meta != nil
    }
}

extension MTPRequest {
    static func decoded(_ frame: ByteBuffer) -> MTPSession.Decoded {
        Result { () throws(MTPDecodeError) in try MTPRequest(decoding: frame) }
    }
}

extension MTPData {
    /// How many bytes the texts in it have that may be long.
    var textBytes: Int {
        func size(_ text: JSONText?) -> Int { text?.utf8Count ?? 0 }
        let messages = (message ?? []).reduce(0) {
            $0 + size($1.text) + size($1.filePicture) + size($1.fileVideo) + size($1.fileAudio) + size($1.fileDocument)
        }
        return (user ?? []).reduce(messages) { $0 + size($1.avatar) }
    }
}

extension MTPResponse {
    /// The `type` of an answer to what was not recognised.
    static let errorType = MTPMethod.errorType
}

extension MTPMethod {
    /// Whether the answer shows a page of the log or a list.
    var readsPages: Bool {
        switch self {
        case .getUpdate, .allMessages, .allFlow, .userInfo: true
        case .registerUser, .authentication, .sendMessage, .addFlow, .deleteUser, .deleteMessage, .editedMessage,
            .pingPong:
            false
        }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Logging
import NIOCore
import Storage
import Transport

/// What each request does on a connection, and whose connection it is.
extension SkaroSession {
    /// How many frames in a row may be no requests; with the last of them the connection is closed.
    private static let maximumBadFrames = 3

    // MARK: Admitting

    /// The checks of every request in the protocol's order; then a message goes into the batch if all it needs is in
    /// memory.
    func admit(_ frame: Request, as ticket: RequestTicket) -> RequestAdmission<Answer> {
        switch frame {
        case .large: return .waits(forAnswers: true)
        case .bad(let why): return refused(why)
        case .request(let request):
            badFrames = 0
            do throws(SkaroRefusal) {
                guard let method = request.method else { throw .unknownMethod }
                // A login before it decides.
                guard method == .sendMessage, logIn != nil else { return .waits(forAnswers: true) }
                return try sendAtOnce(request, as: ticket) ? .submitted : .waits(forAnswers: false)
            } catch {
                return .answer(.response(SkaroResponse(to: request, refused: error)))
            }
        }
    }

    func perform(_ frame: Request, as ticket: RequestTicket) async -> RequestAdmission<Answer> {
        var frame = frame
        if case .large(let bytes) = frame {
            frame = await service.chat.offLoop { .decoded(bytes) }
            if case .bad(let why) = frame { return refused(why) }
            badFrames = 0
            pipeline?.setCommand(command(of: frame), of: ticket)
        }
        guard case .request(let request) = frame else { return .done }
        do throws(SkaroRefusal) {
            if request.method?.needsAuthorization == true, logIn == nil { throw .notAuthorized }
            let call = try request.call()
            guard case .sendMessage(let name, let body) = call else {
                return .answer(try await answer(request, call))
            }
            let principal = try await principal()
            let counted: CountedMessage
            do { counted = try service.chat.count(messageBy: principal) } catch { throw SkaroRefusal(error) }
            let draft = try await requests.draft(body, to: name, by: principal)
            guard let connection else { return .done }
            feed?.submits(counted.uuid)
            do throws(ChatError) {
                try await service.chat.submit(
                    MessageContent(text: draft.body), as: counted, to: draft.flow, on: connection.taskExecutor
                ) { self.settle(draft, counted.uuid, request, ticket, $0) }
            } catch {
                feed?.withdrawn(counted.uuid)
                throw SkaroRefusal(error)
            }
            return .submitted
        } catch {
            return .answer(.response(SkaroResponse(to: request, refused: error)))
        }
    }

    /// Refuses a frame that is no request; too many of them end the connection.
    private func refused(_ why: String) -> RequestAdmission<Answer> {
        badFrames += 1
        guard badFrames >= Self.maximumBadFrames else { return .answer(.refusal(why)) }
        pipeline?.dropWaiting()
        service.logger.debug("A client sent frames that are no requests", metadata: ["address": "\(origin.address)"])
        end(.protocolError, "\(Self.maximumBadFrames) frames in a row were no requests.")
        return .finished(outcome(of: .refusal(why)))
    }

    // MARK: Messages

    /// - Returns: `false` if something must be read first.
    private func sendAtOnce(_ request: SkaroRequest, as ticket: RequestTicket) throws(SkaroRefusal) -> Bool {
        guard case .sendMessage(let name, let body) = try request.call(), let logIn, let connection,
            let principal = service.chat.knownPrincipal(uuid: logIn.principal.uuid, token: logIn.token, from: origin),
            let draft = try requests.knownDraft(body, to: name, by: principal)
        else { return false }
        let uuid = service.chat.newMessageIdentifier()
        feed?.submits(uuid)
        do throws(ChatError) {
            let isSubmitted = try service.chat.submitAtOnce(
                MessageContent(text: draft.body), as: uuid, to: draft.flow, by: principal, on: connection.taskExecutor
            ) { self.settle(draft, uuid, request, ticket, $0) }
            if !isSubmitted { feed?.withdrawn(uuid) }
            return isSubmitted
        } catch {
            feed?.withdrawn(uuid)
            throw SkaroRefusal(error)
        }
    }

    private func settle(
        _ draft: SkaroRequests.Draft, _ uuid: Identifier, _ request: SkaroRequest, _ ticket: RequestTicket,
        _ outcome: MessageOutcome
    ) {
        let response: SkaroResponse
        switch outcome {
        case .success(let receipt):
            response = SkaroResponse(to: request, .message(draft.message(uuid, at: receipt.time)))
        case .failure(let error):
            feed?.withdrawn(uuid)
            response = SkaroResponse(to: request, refused: SkaroRefusal(error))
        }
        pipeline?.settle(ticket, .response(response))
        pipeline?.advance()
    }

    // MARK: Other requests

    /// What a request that is no message is answered with.
    private func answer(_ request: SkaroRequest, _ call: SkaroCall) async throws(SkaroRefusal) -> Answer {
        guard logIn != nil else { return await encoded(SkaroResponse(to: request, try await enter(call))) }
        let principal = try await principal()
        switch call {
        case .getHistory, .getContacts, .searchContacts: break
        default: return await encoded(SkaroResponse(to: request, try await requests.perform(call, for: principal)))
        }
        let page = try await service.chat.pages.page { () async throws(SkaroRefusal) in
            await encoded(SkaroResponse(to: request, try await requests.perform(call, for: principal)))
        }
        guard let page else { throw SkaroRefusal(ChatError.busy) }
        return page
    }

    /// An answer, encoded already if that takes too long for the event loop.
    private func encoded(_ response: SkaroResponse) async -> Answer {
        guard response.textBytes > Chat.longWorkBytes else { return .response(response) }
        return .response(response, frame: await service.chat.offLoop { response.frame() })
    }

    /// What a connection may ask for before a login.
    private func enter(_ call: SkaroCall) async throws(SkaroRefusal) -> SkaroResponse.Content {
        switch call {
        case .registerType: return .registerType(requests.registerType)
        case .register(let registration): return try await requests.register(registration)
        case .authorize(let login, let proof):
            let (principal, token) = try await requests.authorize(login: login, proof: proof, challenge: challenge)
            return try await begin(principal, sid: token)
        case .sessionRestore(let sid): return try await begin(try await requests.restore(sid), sid: sid)
        default: throw .notAuthorized
        }
    }

    /// Who asks, if the session still is one.
    private func principal() async throws(SkaroRefusal) -> Principal {
        guard let logIn else { throw .notAuthorized }
        do {
            return try await service.chat.principal(uuid: logIn.principal.uuid, token: logIn.token, from: origin)
        } catch {
            throw SkaroRefusal(error)
        }
    }

    /// Makes the connection that of a session.
    private func begin(_ principal: Principal, sid: String) async throws(SkaroRefusal) -> SkaroResponse.Content {
        guard connection != nil, !isEnding else { throw .notAuthorized }
        // Known to the hub first: from here on a revocation reaches the connection.
        service.chat.hub.attach(self, principal: principal, wantsNews: false)
        logIn = LogIn(principal: principal, token: TokenHash(of: sid), start: .start)
        if let previous = service.sessions.give(principal.session, to: self) { await previous.handOver() }
        do throws(SkaroRefusal) {
            // It may have been revoked just before.
            _ = try await self.principal()
            let user = try await requests.ownUser(principal)
            do throws(ChatError) {
                logIn?.start = try await service.chat.startPosition(
                    of: Self.device(of: principal), family: Self.devices, for: principal)
                try await service.chat.watchContacts(self, of: principal)
            } catch {
                throw SkaroRefusal(error)
            }
            // The connection may have ended, or been handed over, meanwhile.
            guard let connection, logIn != nil else { throw .notAuthorized }
            connection.loggedIn(maximumMessageBytes: service.options.frameBytes)
            service.logger.debug(
                "A session is served",
                metadata: [
                    "chat.session.id": "\(principal.session.rawValue)", "chat.connection.id": "\(connection.id)",
                    "address": "\(origin.address)",
                ])
            return .session(id: sid, user: user)
        } catch {
            leave()
            throw error
        }
    }

    /// How the names of all sessions begin among their account's devices.
    private static let devices = "session "

    /// The name of a session among its account's devices.
    static func device(of principal: Principal) -> String {
        "\(devices)\(principal.session.rawValue)"
    }

    // MARK: For the log

    func command(of request: Request) -> String {
        guard case .request(let request) = request else { return RequestLog.unknownCommand }
        return request.method?.rawValue ?? RequestLog.unknownCommand
    }

    func outcome(of answer: Answer) -> RequestOutcome {
        switch answer {
        case .response(let response, _): RequestOutcome(status: response.status.rawValue)
        case .refusal: RequestOutcome(.refused, "error")
        }
    }

    func account(for answer: Answer?) -> Int64? { logIn?.principal.user.rawValue }
}

extension SkaroSession.Request {
    /// What a frame asks for.
    static func decoded(_ frame: ByteBuffer) -> Self {
        do throws(SkaroFrameError) {
            return .request(
                try frame.withUnsafeReadableBytes { frame throws(SkaroFrameError) in
                    try SkaroRequest(decoding: frame)
                })
        } catch {
            return .bad("\(error)")
        }
    }
}

extension SkaroResponse {
    /// How many bytes the texts in it have that may be long.
    fileprivate var textBytes: Int {
        func size(_ user: SkaroUser) -> Int { (user.bio?.utf8.count ?? 0) + (user.avatar?.utf8.count ?? 0) }
        return switch content {
        case .refused, .registerType, .message: 0
        case .session(_, let user), .ownUser(let user), .user(let user), .contact(let user): size(user)
        case .contacts(let users): users.reduce(0) { $0 + size($1) }
        case .history(let messages): messages.reduce(0) { $0 + $1.body.utf8.count }
        }
    }

    /// The answer as a buffer for a connection.
    func frame() -> ByteBuffer { ByteBuffer(bytes: encoded()) }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import NIOCore
import Storage
import Transport

/// What requests are checked for and answered with, and whose connection it is.
extension MTPSession {
    enum Checked {
        case refused(MTPResponse)
        case checked(MTPRequest, MTPMethod, MTPRequester?)
    }

    func check(_ decoded: Result<MTPRequest, MTPDecodeError>) async -> Checked {
        let request: MTPRequest
        switch decoded {
        case .failure(let error):
            return .refused(refusal(MTPResponse.errorType, .unsupportedMediaType, error.detail))
        case .success(let decoded): request = decoded
        }
        guard let version = MTPVersion(request.version), service.options.versions.contains(version) else {
            let versions = service.options.versions
            return .refused(
                refusal(
                    MTPResponse.errorType, .versionNotSupported,
                    "The server speaks versions \(versions.lowerBound) to \(versions.upperBound)."))
        }
        guard let method = request.method else {
            return .refused(refusal(MTPResponse.errorType, .methodNotAllowed, "There is no method of that name."))
        }
        guard method.needsAuthorization else { return .checked(request, method, nil) }
        do throws(MTPFailure) {
            return .checked(request, method, try await authorize(request))
        } catch {
            return .refused(refusal(method.rawValue, error.status, error.detail))
        }
    }

    private func authorize(_ request: MTPRequest) async throws(MTPFailure) -> MTPRequester {
        guard let user = request.principal, let uuid = user.uuid.flatMap(Identifier.init(decimal:)),
            let token = user.authID
        else { throw MTPFailure(.unauthorized, "data.user[0] needs the uuid and the auth_id of who asks.") }
        do throws(ChatError) {
            let hash = TokenHash(of: token)
            let principal = try await service.chat.principal(uuid: uuid, token: hash, from: origin)
            let requester = MTPRequester(principal: principal, token: hash)
            try await belong(to: requester, wantsPush: request.meta?.push == true, isLogIn: false)
            return requester
        } catch {
            throw MTPFailure(error)
        }
    }

    // MARK: Whose connection it is

    /// Decides whose connection it is for the hub: who switched push on, else who logged in on it last, else who asked first.
    ///
    /// - Throws: What the session is refused with, if it ended just before the hub knew the connection.
    private func belong(to requester: MTPRequester, wantsPush: Bool, isLogIn: Bool) async throws(ChatError) {
        guard let connection else { return }
        if attached == nil { connection.loggedIn(maximumMessageBytes: service.options.frameBytes) }
        if wantsPush {
            guard push.wanted(by: requester.principal) else { return }
        } else {
            guard attached == nil || isLogIn && !push.isWanted else { return }
        }
        guard attached?.principal != requester.principal || wantsPush else { return }
        attached = requester
        service.chat.hub.attach(self, principal: requester.principal, wantsNews: push.isWanted)
        do throws(ChatError) {
            // Revoked before the hub knew the connection: no revocation would reach it.
            _ = try await service.chat.principal(uuid: requester.principal.uuid, token: requester.token)
        } catch {
            if attached == requester { leave() }
            throw error
        }
    }

    /// Nobody's connection any more: whoever is next has to log in.
    private func leave() {
        service.chat.hub.detach(self)
        attached = nil
        push = MTPPush()
        connection?.loggedOut()
    }

    func sessionRevoked(_ session: SessionID) {
        eventLoop?.execute {
            guard let attached = self.attached, attached.principal.session == session else { return }
            if !self.service.chat.isExpired(attached.principal) {
                self.end(.policyViolation, "The session was revoked.")
            } else if self.push.isWanted {
                self.end(.policyViolation, "The session has expired.")
            } else {
                // The next request is refused, and may be followed by a log in.
                self.leave()
            }
        }
    }

    // MARK: Answers

    func answer(
        _ request: MTPRequest, _ requester: MTPRequester, _ pending: PendingMessage
    ) async -> MTPResponse {
        do {
            let receipt = try await service.chat.receipt(of: pending)
            push.sent(pending.uuid, at: receipt.position)
            let message = MessageObject(
                uuid: pending.uuid.description, clientID: request.data.message?.first?.clientID,
                fromUser: requester.principal.uuid.description, fromFlow: request.data.flow?.first?.uuid,
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

    func answer(_ request: MTPRequest, _ method: MTPMethod, _ requester: MTPRequester?) async -> MTPResponse {
        do throws(MTPFailure) {
            // An account's end closes its connections; not this one, which is to get its answer and may log in again.
            let own = method == .deleteUser && attached?.principal.user == requester?.principal.user ? attached : nil
            if own != nil { service.chat.hub.detach(self) }
            var outcome: MTPMethods.Outcome
            do throws(MTPFailure) {
                outcome = try await MTPMethods(service: service, origin: origin).perform(
                    method, request.data, meta: request.meta, by: requester?.principal)
                if own != nil { leave() }
            } catch {
                if let own { await returnToHub(own) }
                throw error
            }
            if let position = outcome.caused { push.caused(position) }
            if let logIn = outcome.logIn {
                do throws(ChatError) {
                    try await belong(to: logIn, wantsPush: false, isLogIn: true)
                } catch {
                    throw MTPFailure(error)
                }
            }
            var meta: MTPMeta?
            if request.meta != nil {
                if outcome.cursor == nil { outcome.cursor = try? await service.chat.head() }
                meta = outcome.cursor.map { MTPMeta(since: MTPCursor(position: $0.rawValue).text) }
            }
            return MTPResponse(
                type: request.type, outcome.status, detail: outcome.detail, time: service.time, data: outcome.data,
                meta: meta)
        } catch {
            return refusal(request.type, error.status, error.detail)
        }
    }

    /// The account was not deleted: its connection goes on, unless the session was revoked meanwhile.
    private func returnToHub(_ requester: MTPRequester) async {
        guard connection != nil else { return }
        service.chat.hub.attach(self, principal: requester.principal, wantsNews: push.isWanted)
        if (try? await service.chat.principal(uuid: requester.principal.uuid, token: requester.token)) == nil {
            end(.policyViolation, "The session was revoked.")
        }
    }

    func refusal(_ type: String, _ status: MTPStatus, _ detail: String?) -> MTPResponse {
        MTPResponse(type: type, status, detail: detail, time: service.time)
    }
}

/// Who asks, once that is known.
struct MTPRequester: Equatable {
    var principal: Principal
    /// Of the session, to ask whether it is still good.
    var token: TokenHash
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

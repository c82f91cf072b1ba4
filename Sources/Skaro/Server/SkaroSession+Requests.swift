// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Logging
import Storage
import Transport

/// What each request does on a connection, and whose connection it is.
extension SkaroSession {
    /// What a request that is no message is answered with.
    func content(_ call: SkaroCall) async throws(SkaroRefusal) -> SkaroResponse.Content {
        if logIn != nil {
            let principal = try await principal()
            guard case .getHistory = call else { return try await methods.perform(call, for: principal) }
            return try await service.chat.pages.page { () async throws(SkaroRefusal) in
                try await methods.perform(call, for: principal)
            }
        }
        switch call {
        case .registerType: return .registerType(methods.registerType)
        case .register(let registration): return try await methods.register(registration)
        case .authorize(let login, let proof):
            let (principal, token) = try await methods.authorize(login: login, proof: proof, challenge: challenge)
            return try await begin(principal, sid: token)
        case .sessionRestore(let sid): return try await begin(try await methods.restore(sid), sid: sid)
        default: throw .notAuthorized
        }
    }

    /// Who asks, if the session still is one.
    func principal() async throws(SkaroRefusal) -> Principal {
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
            let user = try await methods.ownUser(principal)
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
}

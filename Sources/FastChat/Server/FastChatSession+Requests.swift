// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import Logging
import Storage
import Transport

extension FastChatSession {
    private var chat: Chat { service.chat }

    /// The largest number that a client can choose.
    static let maximumChosenNumber: Int64 = 999_999_999

    /// A message goes into the batch if all it needs is in memory; everything else waits for its turn.
    func admit(_ request: Request, as ticket: RequestTicket) -> RequestAdmission<Answer> {
        switch request {
        case .large: return .waits(forAnswers: true)
        case .decoded(.failure(let error)): return .answer(refused(error))
        case .decoded(.success(let request)):
            unparseable = 0
            guard request.isMessage else { return .waits(forAnswers: true) }
            return sendAtOnce(request, as: ticket) ?? .waits(forAnswers: false)
        }
    }

    private func refused(_ error: FastChatDecodeError) -> Answer {
        unparseable = error.isUnparseable ? unparseable + 1 : 0
        return Answer(notice: .refused(error.detail), isFinal: unparseable >= Self.maximumUnparseable)
    }

    func command(of request: Request) -> String {
        guard case .decoded(let decoded) = request else { return RequestLog.unknownCommand }
        return command(of: decoded)
    }

    func outcome(of answer: Answer) -> RequestOutcome { .refused }

    func account(for answer: Answer?) -> Int64? { holder?.principal.user.rawValue }

    private func command(of decoded: Decoded) -> String {
        (try? decoded.get())?.command ?? RequestLog.unknownCommand
    }

    /// Does what a client asks for, and tells it why not.
    func perform(_ request: Request, as ticket: RequestTicket) async -> RequestAdmission<Answer> {
        let decoded =
            switch request {
            case .decoded(let decoded): decoded
            case .large(let value): await chat.offLoop { FastChatRequest.decoded(value) }
            }
        if case .large = request { pipeline?.setCommand(command(of: decoded), of: ticket) }
        guard !isOver else { return .finished(.unanswered) }
        switch decoded {
        case .failure(let error): return .answer(refused(error))
        case .success(let request):
            unparseable = 0
            wasRefused = false
            let admission = await perform(request, as: ticket)
            if case .finished(.ok) = admission, wasRefused { return .finished(.refused) }
            return admission
        }
    }

    private func perform(_ request: FastChatRequest, as ticket: RequestTicket) async -> RequestAdmission<Answer> {
        switch request {
        case .register(let number, let password, let publicKey, let sign):
            await logIn(sign: sign) { () async throws(ChatError) -> FastChatReply in
                try await self.register(number, Password(password), publicKey)
            }
        case .logIn(let number, let password, let sign):
            await logIn(sign: sign) { () async throws(ChatError) -> FastChatReply in
                try await self.logIn(number, Password(password))
            }
        case .close: end()
        default:
            do throws(FastChatRefusal) {
                guard let number = feed?.reader.number else { throw FastChatRefusal("log in first") }
                guard let principal = try await currentPrincipal() else { return .finished(.refused) }
                if let sender = request.sender, sender != number {
                    throw FastChatRefusal("from must be the user who logged in")
                }
                return try await perform(request, for: principal, as: ticket)
            } catch {
                guard request.sender == feed?.reader.number, let reply = Self.noKeys(for: request) else {
                    return .answer(.refused(error.detail, group: error.group))
                }
                refuse(error.detail, group: error.group)
                write(reply.encoded())
            }
        }
        return .done
    }

    private func perform(
        _ request: FastChatRequest, for principal: Principal, as ticket: RequestTicket
    ) async throws(FastChatRefusal) -> RequestAdmission<Answer> {
        switch request {
        case .register, .logIn, .close, .emptyGroupMessage: break
        case .userKey(let number, _): await tellKey(of: number, for: principal)
        case .groupKeys(let group, _): await tellKeys(of: group, for: principal)
        case .direct(let message): return try await send(message, by: principal, as: ticket)
        case .group(let message): return try await send(message, by: principal, as: ticket)
        case .createGroup(let members, _): try await createGroup(of: members, by: principal)
        case .addToGroup(let group, let member, _): try await add(member, to: group, by: principal)
        case .removeFromGroup(let group, let member, _): try await remove(member, from: group, by: principal)
        case .logOut: end()
        }
        return .done
    }

    /// What an old client waits for, whatever else it is told: the answer to a request for keys; `nil` for others.
    private static func noKeys(for request: FastChatRequest) -> FastChatKeysReply? {
        switch request {
        case .userKey: FastChatKeysReply(nil, isGroup: false)
        case .groupKeys: FastChatKeysReply(nil, isGroup: true)
        default: nil
        }
    }

    /// Calls the domain; what it refuses is told in this protocol's words.
    func chatting<Value>(
        about group: FastChatGroupNumber? = nil, _ body: () async throws -> Value
    ) async throws(FastChatRefusal) -> Value {
        do { return try await body() } catch { throw FastChatRefusal(ChatError(thrown: error), group: group) }
    }

    // MARK: Accounts

    private func logIn(sign: String, _ body: () async throws(ChatError) -> FastChatReply) async {
        guard feed == nil else { return refuse("you are logged in already") }
        do throws(ChatError) {
            guard try await service.isSent(here: sign) else {
                service.logger.debug(
                    "A login without the balancer's signature", metadata: ["address": "\(origin.address)"])
                wasRefused = true
                return end()
            }
            let reply = try await body()
            // After a success the client knows already.
            if reply.isFinal { answer(reply) }
        } catch {
            answer(.refused("Refused: \(FastChatRefusal.detail(error))."))
        }
    }

    private func register(
        _ number: FastChatUserNumber, _ password: Password, _ publicKey: String
    ) async throws(ChatError) -> FastChatReply {
        guard number.rawValue <= Self.maximumChosenNumber else {
            return .refused("Refused: a user number must be less than \(Self.maximumChosenNumber + 1).")
        }
        let key: RSAPublicKey
        do throws(RSAKeyError) {
            key = try RSAPublicKey(pem: publicKey)
        } catch {
            return .refused("Refused: public_key cannot be used. \(error)")
        }
        do {
            // As the client wrote it, where other clients of the protocol read that.
            let pem = publicKey.utf8.starts(with: "-----BEGIN RSA PUBLIC KEY-----".utf8) ? publicKey : key.pem
            // In one write with the account: this protocol has no request for a key of an account that has none.
            let logIn = try await chat.register(
                login: String(number.rawValue), password: password, username: nil, email: nil,
                key: NewKey(kind: FastChatService.name, publicKey: pem), from: origin)
            try await begin(logIn, reply: .registered) { key }
            return .registered
        } catch .loginTaken {
            return .userTaken
        }
    }

    private func logIn(_ number: FastChatUserNumber, _ password: Password) async throws(ChatError) -> FastChatReply {
        do {
            let login: String
            do {
                login = try await chat.person(publicNumber: number.rawValue).login
            } catch .noSuchUser {
                // Failed logins of unknown users are slowed down like others.
                login = String(number.rawValue)
            }
            let logIn = try await chat.logIn(login: login, password: password, from: origin)
            let user = logIn.principal.user
            try await begin(logIn, reply: .loggedIn) {
                try await service.publishedKeys(of: [user])[user].flatMap { try? RSAPublicKey(pem: $0) }
            }
            return .loggedIn
        } catch .noSuchLogin {
            return .logInFailed
        } catch .wrongPassword {
            return .logInFailed
        } catch .credentialsMissing {
            return .logInFailed
        }
    }

    /// Makes the connection that of a session.
    private func begin(
        _ logIn: NewLogIn, reply: FastChatReply, key: () async throws -> RSAPublicKey?
    ) async throws(ChatError) {
        let (principal, token) = (logIn.principal, TokenHash(of: logIn.token))
        // Known to the hub first: from here on a revocation reaches the connection.
        attach(principal, token)
        do {
            let person = try await chat.person(principal.user)
            let position = try await chat.startPosition(of: FastChatService.name, for: principal)
            let reader = FastChatReader(user: principal.user, number: FastChatUserNumber(person), key: try await key())
            // Revoked before the hub knew the connection: no revocation would reach it.
            _ = try await chat.principal(uuid: principal.uuid, token: token)
            begin(FastChatFeed(service: service, principal: principal, reader: reader), after: position, reply: reply)
        } catch {
            detach()
            throw ChatError(thrown: error)
        }
    }

    /// Who asks; `nil` when the session has ended meanwhile, and with it the connection.
    private func currentPrincipal() async throws(FastChatRefusal) -> Principal? {
        guard let holder else { return nil }
        do throws(ChatError) {
            return try await chat.principal(uuid: holder.principal.uuid, token: holder.token, from: origin)
        } catch .tokenUnknown, .tokenExpired, .tokenRevoked, .accountDeleted {
            endSession()
            return nil
        } catch {
            throw FastChatRefusal(error)
        }
    }

    // MARK: Keys

    private func tellKey(of number: FastChatUserNumber, for principal: Principal) async {
        var keys: [FastChatKeysReply.Key]?
        do throws(ChatError) {
            try chat.admit(.read, by: principal)
            keys = try await service.key(of: number).map { [FastChatKeysReply.Key(user: number, pem: $0)] }
        } catch {
            refuse(FastChatRefusal.detail(error))
        }
        // In any case: the old client waits for nothing else.
        write(FastChatKeysReply(keys, isGroup: false).encoded())
    }

    private func tellKeys(of group: FastChatGroupNumber, for principal: Principal) async {
        var keys: [FastChatKeysReply.Key]?
        do throws(ChatError) {
            try chat.admit(.read, by: principal)
            keys = try await service.keys(of: group, for: principal)
        } catch {
            refuse(FastChatRefusal.detail(error), group: group)
        }
        write(FastChatKeysReply(keys, isGroup: true).encoded())
    }
}

extension RequestOutcome {
    /// The protocol has one word for all refusals.
    static let refused = RequestOutcome(.refused, "refused")
}

extension FastChatRequest {
    /// For the log.
    fileprivate var command: String {
        switch self {
        case .register: "new"
        case .logIn: "login"
        case .close, .logOut: "close"
        case .userKey, .groupKeys: "keys"
        case .direct: "message"
        case .group, .emptyGroupMessage: "group_message"
        case .createGroup: "create_group"
        case .addToGroup: "add_to_group"
        case .removeFromGroup: "remove_from_group"
        }
    }

    /// Whether it writes something: many of one connection are in flight at once.
    fileprivate var isMessage: Bool {
        switch self {
        case .direct, .group: true
        default: false
        }
    }

    static func decoded(_ value: [UInt8]) -> FastChatSession.Decoded {
        Result { () throws(FastChatDecodeError) in try FastChatRequest(decoding: value) }
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Logging
import Storage
import Transport

/// What each request does on a connection.
extension MessengerSession {
    /// A message whose sender and flow are in memory goes into the batch; everything else waits for its turn.
    func admit(_ output: Request, as ticket: RequestTicket) -> RequestAdmission<Answer> {
        guard case .request(.send(let key, let recipient, let text)) = output, let logIn, let connection,
            logIn.key.matches(key),
            let principal = service.chat.knownPrincipal(
                uuid: logIn.principal.uuid, token: logIn.token, from: requests.origin)
        else { return .waits(forAnswers: !output.isMessage) }
        badRequests = 0
        // An empty message is nothing that its recipient could see.
        guard !text.isEmpty else { return .done }
        do throws(ChatError) {
            guard let flow = try requests.knownFlow(of: recipient, by: principal),
                try service.chat.submitAtOnce(
                    MessageContent(text: text), as: service.chat.newMessageIdentifier(), to: flow, by: principal,
                    on: connection.taskExecutor, completion: { self.settle(ticket, $0) })
            else { return .waits(forAnswers: false) }
            return .submitted
        } catch {
            return .answer(MessengerAnswer(error, to: .send))
        }
    }

    func perform(_ output: Request, as ticket: RequestTicket) async -> RequestAdmission<Answer> {
        switch output {
        case .refusal(let refusal): return .answer(refused(refusal.prefix, refusal.description))
        case .request(.signUp(let email, let login, let password)):
            badRequests = 0
            return .answer(await requests.signUp(email: email, login: login, password: password))
        case .request(.logIn(let login, let password)):
            badRequests = 0
            return await logIn(login: login, password: password)
        case .request(.logOut(let key)):
            return await holding(key, for: .logOut) { holder in .answer(await self.logOut(key, holder)) }
        case .request(.contacts(let key)):
            return await holding(key, for: .contacts) { holder in await self.contacts(of: holder) }
        case .request(.addContact(let key, let login)):
            return await holding(key, for: .addContact) { holder in
                .answer(await self.requests.addContact(login: login, of: holder.principal))
            }
        case .request(.send(let key, let recipient, let text)):
            return await holding(key, for: .send) { holder in
                await self.send(text, to: recipient, by: holder.principal, as: ticket)
            }
        }
    }

    /// Notes that a request was refused, which too often in a row closes the connection.
    private func refused(_ prefix: UInt8, _ reason: String) -> MessengerAnswer {
        service.logger.info(
            "A messenger request was refused",
            metadata: ["reason": "\(reason)", "address": "\(requests.origin.address)"])
        badRequests += 1
        return .refused(prefix: prefix)
    }

    /// Does something for who holds a key that is good here; for a key without a holder there is a refusal.
    private func holding(
        _ key: MessengerKey, for code: MessengerCode,
        _ body: (MessengerHolder) async -> RequestAdmission<Answer>
    ) async -> RequestAdmission<Answer> {
        var holder: MessengerHolder?
        if let logIn, logIn.key.matches(key) {
            holder = MessengerHolder(principal: logIn.principal, token: logIn.token, session: self)
        } else if service.options.allowsKeyOnAnyConnection {
            holder = service.keys.holder(of: key)
        }
        if var known = holder {
            do {
                known.principal = try await service.chat.principal(
                    uuid: known.principal.uuid, token: known.token, from: requests.origin)
                badRequests = 0
                connection?.setLoggedIn(true)
                return await body(known)
            } catch .tokenUnknown, .tokenExpired, .tokenRevoked, .accountDeleted {
                await known.session.leave(key)
            } catch {
                return .answer(MessengerAnswer(error, to: code))
            }
        }
        return .answer(refused(code.rawValue, "no account holds the key"))
    }

    private func logIn(login: String, password: String) async -> RequestAdmission<Answer> {
        do throws(ChatError) {
            let new = try await requests.logIn(login: login, password: password)
            if let old = leave() { await requests.end(old) }
            do throws(ChatError) {
                let position = try await service.chat.startPosition(of: MessengerService.name, for: new.principal)
                guard connection != nil else {
                    await requests.end(new.principal)
                    return .done
                }
                let key = enter(new, at: position)
                try await service.chat.watchContacts(self, of: new.principal)
                // Revoked before the hub knew the connection: it would not be told.
                _ = try await service.chat.principal(uuid: new.principal.uuid, token: .init(of: new.token))
                guard connection != nil else {
                    _ = leave()
                    return .done
                }
                return .answer(.loggedIn(key))
            } catch {
                _ = leave()
                await requests.end(new.principal)
                throw error
            }
        } catch {
            return .answer(MessengerAnswer(error, to: .logIn))
        }
    }

    private func contacts(of holder: MessengerHolder) async -> RequestAdmission<Answer> {
        do throws(ChatError) {
            let page = try await service.chat.page(for: holder.principal, token: holder.token) { () async in
                await requests.contacts(of: holder.principal)
            }
            var parts = page ?? []
            let last = parts.popLast()
            for part in parts { write(part) }
            return last.map { .answer($0) } ?? .done
        } catch {
            return .answer(MessengerAnswer(error, to: .contacts))
        }
    }

    private func logOut(_ key: MessengerKey, _ holder: MessengerHolder) async -> MessengerAnswer {
        service.keys.withdraw(key)
        await holder.session.leave(key)
        await requests.end(holder.principal)
        return .loggedOut
    }

    private func send(
        _ text: String, to recipient: MessengerRecipient, by principal: Principal, as ticket: RequestTicket
    ) async -> RequestAdmission<Answer> {
        guard !text.isEmpty, let connection else { return .done }
        do throws(ChatError) {
            let counted = try service.chat.count(messageBy: principal)
            try await service.chat.submit(
                MessageContent(text: text), as: counted, to: requests.flow(of: recipient, by: principal),
                on: connection.taskExecutor
            ) { self.settle(ticket, $0) }
            return .submitted
        } catch {
            return .answer(MessengerAnswer(error, to: .send))
        }
    }

    /// The client hears of a message only when it was refused.
    private func settle(_ ticket: RequestTicket, _ outcome: MessageOutcome) {
        switch outcome {
        case .success: pipeline?.settle(ticket, nil)
        case .failure(let error): pipeline?.settle(ticket, MessengerAnswer(error, to: .send))
        }
        pipeline?.advance()
    }

    // MARK: For the log

    func command(of request: Request) -> String { request.command }

    func outcome(of answer: MessengerAnswer) -> RequestOutcome { answer.outcome }

    func account(for answer: MessengerAnswer?) -> Int64? { logIn?.principal.user.rawValue }
}

extension MessengerAnswer {
    /// For the log.
    fileprivate var outcome: RequestOutcome {
        switch self {
        case .signedUp, .loggedIn, .loggedOut, .contacts, .noContacts, .contactAdded: .ok
        case .loginTaken: RequestOutcome(.refused, "login_taken")
        case .signUpRefused: RequestOutcome(.refused, "sign_up_refused")
        case .noSuchLogin: RequestOutcome(.refused, "no_such_login")
        case .wrongPassword: RequestOutcome(.refused, "wrong_password")
        case .noSuchUser: RequestOutcome(.refused, "no_such_user")
        case .refused: RequestOutcome(.refused, "refused")
        }
    }
}

extension MessengerDecoder.Output {
    /// For the log.
    fileprivate var command: String {
        switch self {
        case .refusal: RequestLog.unknownCommand
        case .request(.signUp): "sign_up"
        case .request(.logIn): "log_in"
        case .request(.logOut): "log_out"
        case .request(.contacts): "contacts"
        case .request(.addContact): "add_contact"
        case .request(.send): "send"
        }
    }

    fileprivate var isMessage: Bool {
        if case .request(.send) = self { true } else { false }
    }

    /// What keeping it costs, roughly.
    var textBytes: Int {
        switch self {
        case .refusal: 0
        case .request(.signUp(let email, let login, let password)):
            email.utf8.count + login.utf8.count + password.utf8.count
        case .request(.logIn(let login, let password)): login.utf8.count + password.utf8.count
        case .request(.logOut), .request(.contacts): 0
        case .request(.addContact(_, let login)): login.utf8.count
        case .request(.send(_, let recipient, let text)): recipient.text.utf8.count + text.utf8.count
        }
    }
}

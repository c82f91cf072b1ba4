// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// What the requests do: a decoded request, a call of `Chat`, an answer.
struct MessengerRequests {
    let chat: Chat
    let origin: Origin

    /// Makes an account.
    ///
    /// It does not log in here, so the session that comes with a new account is ended.
    func signUp(email: String, login: String, password: String) async -> MessengerAnswer {
        do {
            let made = try await chat.register(
                login: login, password: Password(password), username: nil, email: email, from: origin)
            await end(made.principal)
            return .signedUp
        } catch {
            return MessengerAnswer(error, to: .signUp)
        }
    }

    func logIn(login: String, password: String) async throws(ChatError) -> NewLogIn {
        guard !login.isEmpty else { throw .noSuchLogin }
        return try await chat.logIn(login: login, password: Password(password), from: origin)
    }

    /// Ends a session whose token was given to no client; it expires by itself if that fails.
    func end(_ principal: Principal) async {
        try? await chat.logOut(principal)
    }

    func contacts(of principal: Principal) async -> [MessengerAnswer] {
        do {
            let contacts = try await chat.contacts(of: principal)
            return MessengerAnswer.contactList(
                contacts.map { MessengerContact(login: MessengerLogin($0.person.login), isOnline: $0.isOnline) })
        } catch {
            return [MessengerAnswer(error, to: .contacts)]
        }
    }

    func addContact(login: String, of principal: Principal) async -> MessengerAnswer {
        do {
            return .contactAdded(isOnline: try await chat.addContact(login: login, of: principal).isOnline)
        } catch {
            return MessengerAnswer(error, to: .addContact)
        }
    }

    /// Where a message goes.
    func flow(of recipient: MessengerRecipient, by principal: Principal) async throws(ChatError) -> FlowAccess {
        switch recipient {
        case .login(let login): return try await chat.directFlow(with: chat.person(login: login), by: principal)
        case .group(let row):
            let flow = try await chat.flow(row: row, for: principal)
            // A chat of two is written to by login.
            guard flow.kind != .chat else { throw .noSuchFlow }
            return flow
        }
    }

    /// The same from what is in memory, at once; `nil` if something has to be read.
    func knownFlow(of recipient: MessengerRecipient, by principal: Principal) throws(ChatError) -> FlowAccess? {
        switch recipient {
        case .login(let login):
            guard let person = try chat.knownPerson(login: login) else { return nil }
            return try chat.knownDirectFlow(with: person, by: principal)
        case .group(let row):
            guard let flow = chat.knownFlow(row: row, for: principal), flow.kind != .chat else { return nil }
            return flow
        }
    }
}

extension MessengerAnswer {
    /// The answer that a client of this protocol gets for `error`: what the request has no word for is `0xFF`.
    init(_ error: ChatError, to code: MessengerCode) {
        let known: MessengerAnswer?
        switch error {
        case .loginTaken: known = code == .signUp ? .loginTaken : nil
        case .registrationClosed, .inviteNeeded, .inviteInvalid: known = code == .signUp ? .signUpRefused : nil
        case .noSuchLogin, .accountDeleted: known = code == .logIn ? .noSuchLogin : nil
        // No account has a password that is too long or empty; the wait after wrong ones has no code of its own.
        case .wrongPassword, .tooManyAttempts, .credentialsMissing, .tooLong, .challengeUnavailable:
            known = code == .logIn ? .wrongPassword : nil
        case .noSuchUser: known = code == .addContact ? .noSuchUser : nil
        case .invalidLogin, .invalidEmail, .busy, .tooManyRequests, .tokenUnknown, .tokenExpired, .tokenRevoked,
            .noSuchFlow,
            .noSuchMessage, .notAllowed, .nullCharacter, .invalidFlow, .rangeTooLarge, .readOnly,
            .storageUnavailable, .outcomeUnknown, .internalFailure:
            known = nil
        }
        self = known ?? .refused(prefix: code.rawValue)
    }
}

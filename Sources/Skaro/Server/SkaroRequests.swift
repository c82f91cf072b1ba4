// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// The requests of the protocol: a decoded request, a call of `Chat`, the content of the answer.
struct SkaroRequests {
    let service: SkaroService
    let origin: Origin

    private var chat: Chat { service.chat }

    private func chatting<Value>(_ body: () async throws -> Value) async throws(SkaroRefusal) -> Value {
        do { return try await body() } catch { throw SkaroRefusal(ChatError(thrown: error)) }
    }

    // MARK: Without a login

    var registerType: SkaroRegisterType {
        switch chat.policy.registration {
        case .open: .open
        case .invite: .invite
        case .closed: .closed
        }
    }

    func register(_ registration: SkaroRegistration) async throws(SkaroRefusal) -> SkaroResponse.Content {
        try await chatting {
            let logIn = try await chat.register(
                login: registration.login, password: Password(registration.password), username: registration.name,
                email: registration.email, invite: registration.invite, from: origin)
            let user = try await chat.user(logIn.principal)
            // No client has been given the session of the registration: skaro's clients log in next.
            try await chat.logOut(logIn.principal)
            return .ownUser(SkaroUser(user, isOnline: false))
        }
    }

    /// Opens a session for the account that answers the connection's challenge.
    func authorize(
        login: String, proof: String, challenge: String
    ) async throws(SkaroRefusal) -> (principal: Principal, token: String) {
        try await chatting {
            let logIn = try await chat.logIn(login: login, answer: proof, to: challenge, from: origin)
            return (logIn.principal, logIn.token)
        }
    }

    /// Finds the session to go on with.
    func restore(_ sid: String) async throws(SkaroRefusal) -> Principal {
        try await chatting {
            try await chat.restore(token: TokenHash(of: sid), within: service.options.restoreSeconds, from: origin)
        }
    }

    // MARK: People

    func perform(_ call: SkaroCall, for principal: Principal) async throws(SkaroRefusal) -> SkaroResponse.Content {
        switch call {
        case .registerType: return .registerType(registerType)
        case .register(let registration): return try await register(registration)
        case .authorize, .sessionRestore: throw .alreadyLoggedIn
        case .getContacts:
            return .contacts(
                try await chatting {
                    try await chat.contacts(of: principal).map(SkaroUser.init)
                })
        case .addContact(let login):
            return .contact(
                try await chatting {
                    SkaroUser(try await chat.addContact(login: login, of: principal))
                })
        case .deleteContact(let login):
            return .contact(
                try await chatting {
                    SkaroUser(try await chat.removeContact(login: login, of: principal))
                })
        case .searchContacts(let query): return try await search(query, for: principal)
        case .getUserData(let login): return try await user(login, for: principal)
        case .updateMyData(let profile): return try await update(profile, of: principal)
        case .getHistory(let dialog, let before, let limit):
            return try await history(of: dialog, before: before, limit: limit, for: principal)
        // The session submits it.
        case .sendMessage: throw .unknownMethod
        }
    }

    private func search(_ query: String, for principal: Principal) async throws(SkaroRefusal) -> SkaroResponse.Content {
        guard !query.utf8.contains(0) else { throw SkaroRefusal(ChatError.nullCharacter(field: "query")) }
        // No login is that long.
        guard query.utf8.count <= ChatLimits.loginBytes else { return .contacts([]) }
        return .contacts(
            try await chatting {
                try await chat.search(login: query, for: principal).map(SkaroUser.init)
            })
    }

    /// The principal's own account, with what only they see.
    func ownUser(_ principal: Principal) async throws(SkaroRefusal) -> SkaroUser {
        try await chatting { SkaroUser(try await chat.user(principal), isOnline: chat.isOnline(principal.user)) }
    }

    private func user(_ login: String, for principal: Principal) async throws(SkaroRefusal) -> SkaroResponse.Content {
        let person = try await chatting {
            try chat.admit(.read, by: principal)
            return try await chat.person(login: login)
        }
        if person.id == principal.user { return .ownUser(try await ownUser(principal)) }
        return .user(SkaroUser(person, isOnline: chat.isOnline(person.id)))
    }

    private func update(
        _ profile: SkaroProfile, of principal: Principal
    ) async throws(SkaroRefusal) -> SkaroResponse.Content {
        try await chatting {
            try await chat.updateProfile(
                of: principal, username: profile.name, email: profile.email, bio: profile.bio, avatar: profile.avatar)
        }
        return .ownUser(try await ownUser(principal))
    }

    // MARK: Conversations

    /// A message before it is submitted, and who is named with it.
    struct Draft {
        var flow: FlowAccess
        var author: Person
        var receiver: Person?
        var body: String

        /// The message as it is stored.
        func message(_ uuid: Identifier, at time: Timestamp) -> SkaroMessage {
            SkaroMessage(id: uuid, from: author.login, in: flow, to: receiver, body: body, time: time)
        }
    }

    /// A group, channel or chat by its uuid; nothing else hides it.
    private func flow(uuid name: String, for principal: Principal) async throws(SkaroRefusal) -> FlowAccess? {
        guard let uuid = Identifier(decimal: name) else { return nil }
        return try await chatting { () async throws(ChatError) -> FlowAccess? in
            do throws(ChatError) {
                return try await chat.flow(uuid, for: principal)
            } catch .noSuchFlow {
                return nil
            }
        }
    }

    /// The same, also one that the principal has left.
    private func readableFlow(uuid name: String, for principal: Principal) async throws(SkaroRefusal) -> ReadableFlow? {
        guard let uuid = Identifier(decimal: name) else { return nil }
        return try await chatting { () async throws(ChatError) -> ReadableFlow? in
            do throws(ChatError) {
                return try await chat.readableFlow(uuid, for: principal)
            } catch .noSuchFlow {
                return nil
            }
        }
    }

    /// Finds out where a message goes: to a flow by its uuid, else to a person by their login.
    func draft(_ body: String, to name: String, by principal: Principal) async throws(SkaroRefusal) -> Draft {
        let known = try await flow(uuid: name, for: principal)
        return try await chatting {
            let flow: FlowAccess
            if let known {
                flow = known
            } else {
                flow = try await chat.directFlow(with: try await chat.person(login: name), by: principal)
            }
            return Draft(
                flow: flow, author: try await chat.person(principal.user),
                receiver: try await chat.otherSide(of: flow, than: principal.user), body: body)
        }
    }

    /// The same from what is in memory, at once; `nil` if something has to be read.
    func knownDraft(_ body: String, to name: String, by principal: Principal) throws(SkaroRefusal) -> Draft? {
        do throws(ChatError) {
            let found: FlowAccess?
            if let uuid = Identifier(decimal: name) {
                // What is no flow in memory may be one in the store, or a login.
                do throws(ChatError) { found = try chat.knownFlow(uuid, for: principal) } catch { return nil }
            } else if let person = try chat.knownPerson(login: name) {
                found = try chat.knownDirectFlow(with: person, by: principal)
            } else {
                found = nil
            }
            guard let flow = found, let author = chat.knownPerson(principal.user) else { return nil }
            guard flow.kind == .chat, let other = flow.members.first(where: { $0 != principal.user }) else {
                return Draft(flow: flow, author: author, receiver: nil, body: body)
            }
            guard let receiver = chat.knownPerson(other) else { return nil }
            return Draft(flow: flow, author: author, receiver: receiver, body: body)
        } catch {
            throw SkaroRefusal(error)
        }
    }

    private func history(
        of dialog: String, before: SkaroHistoryBound?, limit: Int?, for principal: Principal
    ) async throws(SkaroRefusal) -> SkaroResponse.Content {
        let bound = try Self.bound(before)
        // Whether there is such a conversation is a look-up, too.
        try await chatting { try chat.admit(.read, by: principal) }
        var found = try await readableFlow(uuid: dialog, for: principal)
        if found == nil {
            found = try await chatting {
                try await chat.existingDirectFlow(with: try await chat.person(login: dialog), by: principal)
                    .map(ReadableFlow.init)
            }
        }
        guard let flow = found else {
            if case .message = bound { throw SkaroRefusal(ChatError.noSuchMessage) }
            return .history([])
        }
        let limit = min(max(limit ?? .max, 1), service.options.messagesPerAnswer)
        return .history(
            try await chatting {
                let end = try await chat.historyEnd(at: bound, of: flow)
                var messages: [SkaroMessage] = []
                var next = max(0, end - Int64(limit))
                // A page with large files ends early; their bytes are dropped before the next one is read.
                while next < end {
                    let page = try await chat.history(
                        of: flow.access.uuid, before: end, limit: Int(end - next), for: principal)
                    guard let last = page.last else { break }
                    messages += try await self.messages(page)
                    next = last.message.number + 1
                }
                return messages
            })
    }

    private static func bound(_ before: SkaroHistoryBound?) throws(SkaroRefusal) -> HistoryBound {
        switch before {
        case nil: return .newest
        case .time(let seconds): return .time(Timestamp(seconds: seconds))
        case .message(let id):
            guard let uuid = Identifier(decimal: id) else { throw SkaroRefusal(ChatError.noSuchMessage) }
            return .message(uuid)
        }
    }

    /// Messages as the protocol shows them.
    func messages(_ page: [MissedMessage]) async throws(ChatError) -> [SkaroMessage] {
        var messages: [SkaroMessage] = []
        messages.reserveCapacity(page.count)
        for entry in page {
            let receiver = try await chat.otherSide(of: entry.flow, than: entry.message.sender.id)
            messages.append(SkaroMessage(entry.message, in: entry.flow, to: receiver))
        }
        return messages
    }
}

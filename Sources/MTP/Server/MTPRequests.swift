// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import ExactText
import JSON
import Storage

/// The methods of the protocol: a decoded request, a call of `Chat`, the data of the answer.
struct MTPRequests {
    let service: MTPService
    let origin: Origin

    private var chat: Chat { service.chat }

    /// What a method that succeeded answers.
    struct Outcome {
        var status = MTPStatus.ok
        var detail: String?
        var data: MTPData?
        /// Everything up to here is in the answer.
        var cursor: Position?
        /// Who has logged in.
        var logIn: MTPRequester?
        /// Where the log has what this request did.
        var caused: Position?
    }

    func perform(
        _ method: MTPMethod, _ data: MTPData, meta: MTPMeta?, by principal: Principal?
    ) async throws(MTPRefusal) -> Outcome {
        switch method {
        case .registerUser: return try await register(data, invite: meta?.invite)
        case .authentication: return try await authenticate(data)
        case .sendMessage, .getUpdate, .allMessages, .addFlow, .allFlow, .userInfo, .deleteUser, .deleteMessage,
            .editedMessage, .pingPong:
            guard let principal else { throw MTPRefusal(.unauthorized, "data.user[0] needs who asks.") }
            return try await perform(method, data, meta: meta, for: principal)
        }
    }

    private func perform(
        _ method: MTPMethod, _ data: MTPData, meta: MTPMeta?, for principal: Principal
    ) async throws(MTPRefusal) -> Outcome {
        switch method {
        case .registerUser, .authentication, .sendMessage: return Outcome()
        case .pingPong:
            if meta?.endSession == true {
                try await chatting { try await chat.logOut(principal) }
            }
            return Outcome()
        case .getUpdate: return try await updates(data, since: meta?.since, for: principal)
        case .allMessages: return try await messages(data, for: principal)
        case .addFlow: return try await addFlow(data, by: principal)
        case .allFlow: return try await flows(for: principal)
        case .userInfo: return try await users(data, showsPresence: meta?.presence == true, for: principal)
        case .deleteUser: return try await deleteUser(data, by: principal)
        case .deleteMessage: return try await deleteMessage(data, by: principal)
        case .editedMessage: return try await editMessage(data, by: principal)
        }
    }

    private func chatting<Value>(_ body: () async throws -> Value) async throws(MTPRefusal) -> Value {
        do { return try await body() } catch { throw MTPRefusal(ChatError(thrown: error)) }
    }

    // MARK: Accounts

    private func register(_ data: MTPData, invite: String?) async throws(MTPRefusal) -> Outcome {
        let user = data.user?.first
        let logIn = try await chatting {
            try await chat.register(
                login: user?.login ?? "", password: Password(user?.password ?? ""), username: user?.username,
                email: user?.email, invite: invite, from: origin)
        }
        return Outcome(
            status: .created, data: Self.data(logIn, time: service.time), logIn: MTPRequester(logIn))
    }

    private func authenticate(_ data: MTPData) async throws(MTPRefusal) -> Outcome {
        let user = data.user?.first
        let logIn = try await chatting {
            try await chat.logIn(
                login: user?.login ?? "", password: Password(user?.password ?? ""), from: origin)
        }
        return Outcome(data: Self.data(logIn, time: service.time), logIn: MTPRequester(logIn))
    }

    private static func data(_ logIn: NewLogIn, time: Int64) -> MTPData {
        MTPData(
            time: time,
            user: [
                UserObject(
                    uuid: MTPIdentifier(logIn.principal.uuid), authID: JSONText(logIn.token),
                    tokenTTL: logIn.lifetimeSeconds)
            ])
    }

    private func users(
        _ data: MTPData, showsPresence: Bool, for principal: Principal
    ) async throws(MTPRefusal) -> Outcome {
        let asked = (data.user ?? []).dropFirst()
        guard !asked.isEmpty else {
            throw MTPRefusal(.badRequest, "data.user names who asks and then the users asked for.")
        }
        let limit = service.options.usersPerAnswer
        guard asked.count <= limit else {
            throw MTPRefusal(.tooManyRequests, "At most \(limit) users are shown at a time.")
        }
        try await chatting { try chat.admit(.read, by: principal) }
        var uuids: [Identifier] = []
        for user in asked {
            if let named = user.uuid {
                guard let uuid = named.identifier else { throw MTPRefusal(ChatError.noSuchUser) }
                uuids.append(uuid)
            } else if let login = user.login {
                uuids.append(
                    try await chatting {
                        // A look-up of its own.
                        try chat.admit(.read, by: principal)
                        return try await chat.person(login: login).uuid
                    })
            } else {
                throw MTPRefusal(.badRequest, "Each of the users asked for needs a uuid or a login.")
            }
        }
        let wanted = uuids
        let found = try await chatting { try await chat.users(wanted) }
        let users = found.map { user in
            var shown = UserObject(user, for: principal)
            if showsPresence { shown.isOnline = chat.isOnline(user.id) }
            return shown
        }
        return Outcome(data: MTPData(time: service.time, user: users))
    }

    private func deleteUser(_ data: MTPData, by principal: Principal) async throws(MTPRefusal) -> Outcome {
        let user = data.user?.first
        try await chatting {
            try await chat.deleteAccount(
                of: principal, login: user?.login ?? "", password: Password(user?.password ?? ""), from: origin)
        }
        return Outcome()
    }

    // MARK: Flows

    private func addFlow(_ data: MTPData, by principal: Principal) async throws(MTPRefusal) -> Outcome {
        guard let flow = data.flow?.first else { throw MTPRefusal(.badRequest, "data.flow[0] is missing.") }
        guard let kind = flow.type.flatMap(FlowRecord.Kind.init(word:)) else {
            throw MTPRefusal(.badRequest, "data.flow[0].type must be chat, group or channel.")
        }
        if let owner = flow.owner, owner.identifier != principal.uuid {
            throw MTPRefusal(.forbidden, "data.flow[0].owner must be who asks.")
        }
        var members: [Identifier] = []
        for user in flow.users ?? [] {
            guard let uuid = user.identifier else { throw MTPRefusal(ChatError.noSuchUser) }
            members.append(uuid)
        }
        let named = members
        let made = try await chatting {
            try await chat.createFlow(
                kind, title: flow.title ?? "", info: flow.info ?? "", members: named, by: principal)
        }
        return Outcome(
            data: MTPData(time: service.time, flow: [FlowObject(made)]), caused: made.record.head)
    }

    private func flows(for principal: Principal) async throws(MTPRefusal) -> Outcome {
        let (flows, isCut) = try await chatting { try await chat.visibleFlows(to: principal) }
        guard !flows.isEmpty else { throw MTPRefusal(.notFound, "There is no flow that you can see.") }
        return Outcome(
            status: isCut ? .partialContent : .ok,
            detail: isCut ? "Only the oldest \(flows.count) flows are shown; get_update shows all." : nil,
            data: MTPData(time: service.time, flow: flows.map(FlowObject.init)))
    }

    // MARK: Messages

    /// The message of a `send_message`, and the flow that it is for.
    static func message(in data: MTPData) throws(MTPRefusal) -> (content: MessageContent, flow: Identifier) {
        guard let named = data.flow?.first?.uuid else { throw MTPRefusal(.badRequest, "data.flow[0].uuid is missing.") }
        guard let message = data.message?.first else { throw MTPRefusal(.badRequest, "data.message[0] is missing.") }
        guard let flow = named.identifier else { throw MTPRefusal(ChatError.noSuchFlow) }
        let content = MessageContent(
            writtenText: message.text ?? "", clientID: message.clientID, emoji: message.emoji?.string,
            files: message.files)
        return (content, flow)
    }

    private func messages(_ data: MTPData, for principal: Principal) async throws(MTPRefusal) -> Outcome {
        guard let asked = data.flow?.first, let named = asked.uuid else {
            throw MTPRefusal(.badRequest, "data.flow[0].uuid is missing.")
        }
        guard let flow = named.identifier else { throw MTPRefusal(ChatError.noSuchFlow) }
        let limit = service.options.messagesPerAnswer
        let time = data.time.map { Timestamp(seconds: $0) }
        let list: MessageList
        if asked.messageStart == nil, asked.messageEnd == nil {
            list = try await chatting {
                try await chat.messages(in: flow, since: time ?? Timestamp(seconds: 0), limit: limit, for: principal)
            }
        } else {
            let start = asked.messageStart ?? 0
            guard start >= 0, let end = asked.messageEnd ?? start.addingChecked(Int64(limit)), end >= start else {
                throw MTPRefusal(
                    .badRequest, "message_start and message_end count from 0, the end not before the start.")
            }
            list = try await chatting {
                try await chat.messages(in: flow, numbers: start..<end, since: time, limit: limit, for: principal)
            }
        }
        let range = FlowObject(
            uuid: named, messageStart: list.range.lowerBound,
            messageEnd: list.isCut ? list.total : list.range.upperBound)
        return Outcome(
            status: list.isCut ? .partialContent : .ok,
            data: MTPData(time: service.time, flow: [range], message: list.messages.map(MessageObject.init)))
    }

    private func editMessage(_ data: MTPData, by principal: Principal) async throws(MTPRefusal) -> Outcome {
        guard let message = data.message?.first, let uuid = message.uuid else {
            throw MTPRefusal(.badRequest, "data.message[0] needs a uuid.")
        }
        guard message.text != nil || message.emoji != nil || !message.files.isEmpty else {
            throw MTPRefusal(.badRequest, "data.message[0] needs what is to change: a text, an emoji or a file.")
        }
        guard let uuid = uuid.identifier else { throw MTPRefusal(ChatError.noSuchMessage) }
        let receipt = try await chatting {
            try await chat.edit(
                uuid, text: message.text?.string, emoji: message.emoji?.string, files: message.files, by: principal)
        }
        return Outcome(caused: receipt.position)
    }

    private func deleteMessage(_ data: MTPData, by principal: Principal) async throws(MTPRefusal) -> Outcome {
        guard let flow = data.flow?.first?.uuid else { throw MTPRefusal(.badRequest, "data.flow[0].uuid is missing.") }
        guard let message = data.message?.first?.uuid else {
            throw MTPRefusal(.badRequest, "data.message[0].uuid is missing.")
        }
        guard let flow = flow.identifier else { throw MTPRefusal(ChatError.noSuchFlow) }
        guard let message = message.identifier else { throw MTPRefusal(ChatError.noSuchMessage) }
        let receipt = try await chatting { try await chat.delete(message, in: flow, by: principal) }
        return Outcome(caused: receipt.position)
    }

    // MARK: Updates

    private func updates(_ data: MTPData, since: String?, for principal: Principal) async throws(MTPRefusal) -> Outcome
    {
        // A push reads as often as it must; who asks is counted.
        try await chatting { try chat.admit(.read, by: principal) }
        let limit = service.options.messagesPerAnswer
        let updates: Chat.Updates
        if let since {
            guard let cursor = MTPCursor(since) else {
                throw MTPRefusal(.badRequest, "meta.since is not a cursor of this server.")
            }
            updates = try await chatting {
                try await chat.updates(for: principal, after: Position(cursor.position), limit: limit)
            }
        } else if let time = data.time {
            updates = try await chatting {
                try await chat.updates(for: principal, since: Timestamp(seconds: time), limit: limit)
            }
        } else {
            throw MTPRefusal(.badRequest, "get_update needs data.time or meta.since.")
        }
        return Outcome(
            status: updates.isCut ? .partialContent : .ok, data: Self.data(updates, time: service.time, for: principal),
            cursor: updates.cursor)
    }

    static func data(_ updates: Chat.Updates, time: Int64, for principal: Principal) -> MTPData {
        MTPData(
            time: time, flow: updates.flows.map(FlowObject.init), message: updates.messages.map(MessageObject.init),
            user: updates.users.map { UserObject($0, for: principal) })
    }
}

extension MTPRequester {
    fileprivate init(_ logIn: NewLogIn) {
        self.init(principal: logIn.principal, token: TokenHash(of: logIn.token))
    }
}

extension Int64 {
    fileprivate func addingChecked(_ other: Int64) -> Int64? {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? nil : sum
    }
}

// MARK: Domain to wire

extension FlowObject {
    init(_ flow: Flow) {
        let record = flow.record
        self.init(
            uuid: MTPIdentifier(record.uuid), time: record.created.seconds, type: record.kind.rawValue,
            title: record.title, info: record.info, owner: MTPIdentifier(record.ownerUUID),
            users: flow.members.map(MTPIdentifier.init), messageStart: 0, messageEnd: record.messageCount)
    }
}

extension MessageObject {
    /// The files that it names.
    fileprivate var files: [MessageContent.File: JSONText] {
        var files: [MessageContent.File: JSONText] = [:]
        if let filePicture { files[.picture] = filePicture }
        if let fileVideo { files[.video] = fileVideo }
        if let fileAudio { files[.audio] = fileAudio }
        if let fileDocument { files[.document] = fileDocument }
        return files
    }

    init(_ message: Message) {
        self.init(
            message.content, uuid: message.uuid, sender: message.sender, flow: message.flow, time: message.time,
            edited: message.edited)
    }

    init(_ message: LiveMessage, in flow: FlowAccess) {
        self.init(
            message.content, uuid: message.uuid, sender: message.sender.uuid, flow: flow.uuid, time: message.time,
            edited: message.edited)
    }

    private init(
        _ content: MessageContent, uuid: Identifier, sender: Identifier, flow: Identifier, time: Timestamp,
        edited: Timestamp?
    ) {
        self.init(
            uuid: MTPIdentifier(uuid), clientID: content.clientID, text: content.writtenText,
            fromUser: MTPIdentifier(sender), fromFlow: MTPIdentifier(flow), time: time.seconds,
            emoji: content.emoji.map { JSONText($0) }, editedTime: edited?.seconds, editedStatus: edited != nil)
        for (file, text) in content.files {
            switch file {
            case .picture: filePicture = text
            case .video: fileVideo = text
            case .audio: fileAudio = text
            case .document: fileDocument = text
            }
        }
    }
}

extension UserObject {
    /// What `principal` may know: the address only of oneself.
    init(_ user: UserRecord, for principal: Principal?) {
        self.init(
            uuid: MTPIdentifier(user.uuid), login: user.login, username: user.username, bio: user.bio,
            avatar: JSONText(user.avatar), isBot: user.isBot, email: user.id == principal?.user ? user.email : nil,
            timeCreated: user.created.seconds)
    }
}

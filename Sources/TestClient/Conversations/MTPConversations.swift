// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import MTP
import Synchronization

/// A person's connection over MTP.
///
/// The protocol knows flows and uuids only: who has which login, and what a flow is, is asked for when it matters. The
/// log is never read from its beginning.
package final class MTPConversations: ConversationClient {
    /// How many accounts are asked for at once, within the limit of every server.
    private static let usersPerRequest = 50

    private struct State {
        var logins: [String: String] = [:]
        var uuids: [String: String] = [:]
        var flows: [String: FlowObject] = [:]
    }

    package let wireProtocol = WireProtocol.mtp
    package let own: String
    /// What the server gave at the login.
    package let credentials: MTPCredentials
    private let client: MTPClient
    private let state = Mutex(State())

    /// Connects, registers if `isNew`, logs in, and asks for pushes of what is new.
    package init(
        url: String, options: ClientOptions, login: String, password: String, isNew: Bool
    ) async throws {
        client = try await MTPClient.connect(url: url, options: options)
        own = login
        do {
            credentials =
                isNew
                ? try await client.register(login: login, password: password)
                : try await client.authenticate(login: login, password: password)
        } catch {
            await client.close()
            throw error
        }
        do {
            _ = try await succeeded(.pingPong(as: credentials, push: true))
        } catch {
            await client.close()
            throw error
        }
    }

    package func nextEvents() async -> [ConversationEvent]? {
        var pushes = client.pushes.makeAsyncIterator()
        guard let push = await pushes.next() else { return nil }
        let isKnown = state.withLock { state in Set(state.flows.keys) }
        learn(push)
        var events: [ConversationEvent] = []
        for flow in push.data?.flow ?? [] {
            guard let uuid = flow.uuid?.description, !isKnown.contains(uuid), flow.type != "chat" else { continue }
            events.append(.joined(conversation(uuid)))
        }
        for message in push.data?.message ?? [] { events.append(.said(await utterance(message))) }
        return events
    }

    package func find(_ name: String) async throws -> Conversation {
        if name.hasPrefix("#") {
            let title = String(name.dropFirst())
            let found = try await groups().first { $0.title == title || $0.address == title }
            guard let found else {
                throw ConversationError(.notFound, "No group '\(title)' is visible to \(own).")
            }
            return found
        }
        let uuid = try await uuid(of: name)
        return .person(state.withLock { $0.logins[uuid] } ?? name)
    }

    package func say(_ text: String, to conversation: Conversation) async throws {
        _ = try await succeeded(
            .sendMessage(
                as: credentials, flow: try await flow(of: conversation),
                MessageObject(clientID: 1, text: JSONText(text))))
    }

    package func show(_ picture: [UInt8], to conversation: Conversation) async throws {
        let content = JSONText(Data(picture).base64EncodedString())
        _ = try await succeeded(
            .sendMessage(
                as: credentials, flow: try await flow(of: conversation),
                MessageObject(clientID: 1, filePicture: content)))
    }

    package func ping() async throws {
        _ = try await succeeded(.pingPong(as: credentials))
    }

    package func close() async {
        await client.close()
    }

    /// The people whom the account has a chat with.
    package func contacts() async throws -> [ConversationContact] {
        try await learnFlows()
        let partners = state.withLock { state in
            state.flows.values.filter { $0.type == "chat" }.flatMap { $0.users ?? [] }.map(\.description).filter {
                state.logins[$0] == nil
            }
        }
        var rest = Set(partners).sorted()[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(Self.usersPerRequest))
            rest = rest.dropFirst(some.count)
            learn(try await succeeded(.userInfo(as: credentials, about: some)))
        }
        let names = state.withLock { state in
            state.flows.values.filter { $0.type == "chat" }.compactMap { flow in
                flow.users?.map(\.description).first { $0 != credentials.uuid }.flatMap { state.logins[$0] }
            }
        }
        return names.sorted().map { ConversationContact(name: $0) }
    }

    /// Begins a chat.
    package func add(_ name: String) async throws -> ConversationContact {
        let person = try await find(name)
        _ = try await flow(of: person)
        return ConversationContact(name: person.address)
    }

    package func groups() async throws -> [Conversation] {
        try await learnFlows()
        return state.withLock { $0.flows }.filter { $0.value.type != "chat" }.keys.map(conversation).sorted {
            $0.title < $1.title
        }
    }

    package func history(of conversation: Conversation, count: Int) async throws -> [ChatMessage] {
        let flow = try await flow(of: conversation)
        // The first answer tells how many messages there are; its range may be empty.
        let first = try await succeeded(.allMessages(as: credentials, flow: flow))
        let total = first.data?.flow?.first?.messageEnd ?? Int64(first.data?.message?.count ?? 0)
        var messages = first.data?.message ?? []
        if first.code == 206, total > 0 {
            let start = max(0, total - Int64(count))
            messages =
                try await succeeded(.allMessages(as: credentials, flow: flow, start: start, end: total)).data?
                .message ?? []
        }
        var said: [ChatMessage] = []
        for message in messages.suffix(count) { said.append(await utterance(message)) }
        return said
    }

    package func makeGroup(title: String, members: [String]) async throws -> Conversation? {
        var users: [String] = []
        for member in members { users.append(try await uuid(of: member)) }
        // Without members the group would be public.
        if users.isEmpty { users = [credentials.uuid] }
        let answer = try await succeeded(.addFlow(as: credentials, type: "group", title: title, users: users))
        learn(answer)
        return (answer.data?.flow?.first?.uuid?.description).map(conversation)
    }

    // MARK: What is known

    private static func key(_ login: String) -> String { login.lowercased() }

    private func succeeded(_ request: MTPRequest) async throws -> MTPResponse {
        let answer = try await client.request(request)
        guard answer.isSuccess else { throw MTPClientRefusal(answer) }
        return answer
    }

    private func learn(_ answer: MTPResponse) {
        state.withLock { state in
            for user in answer.data?.user ?? [] {
                guard let uuid = user.uuid?.description, let login = user.login else { continue }
                state.logins[uuid] = login
                state.uuids[Self.key(login)] = uuid
            }
            for flow in answer.data?.flow ?? [] {
                if let uuid = flow.uuid { state.flows[uuid.description] = flow }
            }
        }
    }

    /// Asks which flows there are; an account without any is no failure.
    private func learnFlows() async throws {
        let answer = try await client.request(.allFlow(as: credentials))
        guard answer.isSuccess || answer.code == 404 else { throw MTPClientRefusal(answer) }
        learn(answer)
    }

    private func uuid(of name: String) async throws -> String {
        if let known = state.withLock({ $0.uuids[Self.key(name)] }) { return known }
        let answer = try await client.request(.userInfo(as: credentials, login: name))
        guard answer.isSuccess, let user = answer.data?.user?.first, let uuid = user.uuid?.description else {
            guard answer.isSuccess || answer.code == 404 else { throw MTPClientRefusal(answer) }
            throw ConversationError(.notFound, "There is no user with login '\(name)'.")
        }
        learn(answer)
        state.withLock { $0.uuids[Self.key(name)] = uuid }
        return uuid
    }

    /// The flow of a conversation; the chat with a person is made if there is none.
    private func flow(of conversation: Conversation) async throws -> String {
        if conversation.kind == .group { return conversation.address }
        let uuid = try await uuid(of: conversation.address)
        let known = state.withLock { state in
            state.flows.values.first { $0.type == "chat" && $0.users?.contains(MTPIdentifier(uuid)) == true }?.uuid
        }
        if let known { return known.description }
        let answer = try await succeeded(.addFlow(as: credentials, type: "chat", users: [credentials.uuid, uuid]))
        learn(answer)
        guard let made = answer.data?.flow?.first?.uuid?.description else {
            throw ClientError.protocolViolation("a flow without uuid")
        }
        return made
    }

    private func conversation(_ flow: String) -> Conversation {
        let (known, logins) = state.withLock { ($0.flows[flow], $0.logins) }
        guard known?.type == "chat" else { return .group(flow, title: known?.title ?? "") }
        let other = known?.users?.map(\.description).first { $0 != credentials.uuid }
        return .person(other.flatMap { logins[$0] } ?? other ?? flow)
    }

    private func utterance(_ message: MessageObject) async -> ChatMessage {
        let author = message.fromUser?.description ?? ""
        if state.withLock({ $0.logins[author] }) == nil,
            let answer = try? await succeeded(.userInfo(as: credentials, about: [author]))
        {
            learn(answer)
        }
        let flow = message.fromFlow?.description ?? ""
        if state.withLock({ $0.flows[flow] }) == nil, let answer = try? await succeeded(.allFlow(as: credentials)) {
            learn(answer)
        }
        let files: [(JSONText?, String)] = [
            (message.filePicture, "[picture]"), (message.fileVideo, "[video]"), (message.fileAudio, "[audio]"),
            (message.fileDocument, "[document]"),
        ]
        var parts = [message.text?.string ?? ""] + files.compactMap { $0.0 == nil ? nil : $0.1 }
        if message.editedStatus == true { parts.append("(edited)") }
        return ChatMessage(
            conversation: conversation(flow), author: state.withLock { $0.logins[author] } ?? author,
            isOwn: author == credentials.uuid, text: parts.filter { !$0.isEmpty }.joined(separator: " "),
            time: message.time)
    }
}

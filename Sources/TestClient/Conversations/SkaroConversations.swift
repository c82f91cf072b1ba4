// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Skaro

/// A person's connection over skaro.
package final class SkaroConversations: ConversationClient {
    package let wireProtocol = WireProtocol.skaro
    package let own: String
    private let client: SkaroClient

    /// Connects, registers if `isNew`, and logs in.
    package init(
        url: String, options: ClientOptions, login: String, password: String, isNew: Bool
    ) async throws {
        client = try await SkaroClient.connect(url: url, options: options)
        own = login
        do {
            if isNew { try await client.register(login: login, password: password) }
            try await client.authorize(login: login, password: password)
        } catch {
            await client.close()
            throw error
        }
    }

    package func nextEvents() async -> [ConversationEvent]? {
        var pushes = client.pushes.makeAsyncIterator()
        guard let news = await pushes.next() else { return nil }
        switch news {
        case .message(let message): return [.said(utterance(message))]
        case .changed(let user): return [.presence(user.login, isOnline: user.isOnline)]
        case .info(let info), .error(let info): return [.notice(info)]
        case .other: return []
        }
    }

    package func find(_ name: String) async throws -> Conversation {
        if name.hasPrefix("#") { return .group(String(name.dropFirst()), title: "") }
        let answer = try await succeeded(.getUserData(login: name))
        return .person(answer.user?.login ?? name)
    }

    package func say(_ text: String, to conversation: Conversation) async throws {
        try await client.send(text, to: conversation.address)
    }

    package func ping() async throws {
        _ = try await succeeded(.getContacts)
    }

    package func close() async {
        await client.close()
    }

    package func contacts() async throws -> [ConversationContact] {
        try await succeeded(.getContacts).contacts?.map { ConversationContact(name: $0.login, isOnline: $0.isOnline) }
            ?? []
    }

    package func add(_ name: String) async throws -> ConversationContact {
        let user = try await succeeded(.addContact(login: name)).contact
        return ConversationContact(name: user?.login ?? name, isOnline: user?.isOnline)
    }

    package func history(of conversation: Conversation, count: Int) async throws -> [ChatMessage] {
        try await succeeded(.getHistory(dialog: conversation.address, before: nil, limit: count)).history?
            .map(utterance) ?? []
    }

    private func succeeded(_ call: SkaroCall) async throws -> SkaroAnswer {
        let answer = try await client.request(call)
        guard answer.isSuccess else { throw SkaroDenial(answer) }
        return answer
    }

    private func utterance(_ message: SkaroMessage) -> ChatMessage {
        let isOwn = message.from == own
        let conversation: Conversation =
            message.flow.map { .group($0, title: "") } ?? .person(isOwn ? message.to : message.from)
        return ChatMessage(
            conversation: conversation, author: message.from, isOwn: isOwn, text: message.body, time: message.time)
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger

/// A person's connection over messenger.
package final class MessengerConversations: ConversationClient {
    /// The protocol ends a request by a pause: longer than the server's default of 20 ms.
    private static let pause = Duration.milliseconds(100)

    package let wireProtocol = WireProtocol.messenger
    package let own: String
    private let client: MessengerClient

    /// Connects, signs up if `isNew`, and logs in.
    package init(
        host: String, port: Int, isSecure: Bool, options: ClientOptions, login: String, password: String, isNew: Bool
    ) async throws {
        client = try await MessengerClient.connect(host: host, port: port, isSecure: isSecure, options: options)
        own = login
        do {
            let giveUp: @Sendable () async -> Void = { [client] in await client.close() }
            try await answered(within: options.timeout, by: "\(host):\(port)", giveUp: giveUp) { [client] in
                if isNew { try await client.signUp(login: login, password: password) }
                try await client.logIn(login, password: password)
            }
        } catch {
            await client.close()
            throw error
        }
    }

    package func nextEvents() async -> [ConversationEvent]? {
        var pushes = client.pushes.makeAsyncIterator()
        guard let push = await pushes.next() else { return nil }
        switch push {
        case .message(let sender, let text):
            // A group's messages cannot be told from others but by the title that they begin with.
            return [.said(ChatMessage(conversation: .person(sender), author: sender, isOwn: false, text: text))]
        case .presence(let login, let isOnline): return [.presence(login, isOnline: isOnline)]
        }
    }

    package func find(_ name: String) async throws -> Conversation {
        if name.hasPrefix("#") { return .group(name, title: String(name.dropFirst())) }
        return .person(name)
    }

    package func say(_ text: String, to conversation: Conversation) async throws {
        _ = client.takeRefusals()
        try await client.send(text, to: conversation.address)
        try await Task.sleep(for: Self.pause)
        // Answered after the message, which has no answer unless it is refused.
        try await ping()
        if client.takeRefusals() > 0 {
            throw ConversationError(.notFound, "The server did not take the message to '\(conversation.address)'.")
        }
    }

    package func ping() async throws {
        _ = try await client.contacts()
    }

    package func close() async {
        await client.close()
    }

    package func contacts() async throws -> [ConversationContact] {
        try await client.contacts().map { ConversationContact(name: $0.login.text, isOnline: $0.isOnline) }
    }

    package func add(_ name: String) async throws -> ConversationContact {
        ConversationContact(name: name, isOnline: try await client.add(name))
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Credentials
import FastChat
import FoundationEssentials

/// A person's connection over FastChat, which encrypts what is said.
package final class FastChatConversations: ConversationClient {
    /// How the notices begin that tell of a new group.
    private static let joinings = ["You have successfully created the group", "You have been added to group"]

    package let wireProtocol = WireProtocol.fastchat
    package let own: String
    private let client: FastChatClient

    /// Connects to a server and registers if `isNew`, otherwise logs in.
    ///
    /// - Throws: `ConversationError` for a login that is no number, and what the client throws.
    package init(
        endpoint: StreamEndpoint, sign: String, options: ClientOptions, login: String, password: String,
        key: RSAPrivateKey?, isNew: Bool
    ) async throws {
        let number = FastChatUserNumber(try Self.number(login))
        client = try await FastChatClient.connect(
            host: endpoint.host, port: endpoint.port, isSecure: endpoint.isSecure, options: options)
        own = "\(number.rawValue)"
        do {
            let key = isNew ? try key ?? RSAPrivateKey() : key
            let giveUp: @Sendable () async -> Void = { [client] in await client.close() }
            try await answered(within: options.timeout, by: endpoint.url, giveUp: giveUp) { [client] in
                if isNew, let key {
                    try await client.register(number, password: password, key: key, sign: sign)
                } else {
                    try await client.logIn(number, password: password, key: key, sign: sign)
                }
            }
        } catch {
            await client.close()
            throw error
        }
    }

    private static func number(_ name: String) throws(ConversationError) -> Int64 {
        guard let number = Int64(name), number >= 0 else {
            throw ConversationError(
                .invalid, "'\(name)' is no number, and FastChat knows people by numbers only.",
                nextStep: "'manage user list' shows everyone's FastChat number.")
        }
        return number
    }

    package func nextEvents() async -> [ConversationEvent]? {
        var events = client.events.makeAsyncIterator()
        guard let event = await events.next() else { return nil }
        switch event {
        case .notice(let notice):
            let isJoined = Self.joinings.contains { notice.text.hasPrefix($0) }
            let group = isJoined ? notice.group.map(conversation) : nil
            return [.notice(notice.text)] + (group.map { [.joined($0)] } ?? [])
        case .message(let message):
            let author = "\(message.sender.rawValue)"
            let words = message.kind == .image && message.text != nil ? "[picture]" : message.text
            return [
                .said(
                    ChatMessage(
                        conversation: message.group.map(conversation) ?? .person(author), author: author,
                        isOwn: author == own, text: words ?? "[unreadable message]"))
            ]
        }
    }

    package func find(_ name: String) async throws -> Conversation {
        if name.hasPrefix("#") {
            return conversation(FastChatGroupNumber(try Self.number(String(name.dropFirst()))))
        }
        let number = try Self.number(name)
        guard try await client.key(of: FastChatUserNumber(number)) != nil else { throw FastChatClientFailure.noKey }
        return .person("\(number)")
    }

    package func say(_ text: String, to conversation: Conversation) async throws {
        try await send(text, as: .text, to: conversation)
    }

    package func show(_ picture: [UInt8], to conversation: Conversation) async throws {
        try await send(Data(picture).base64EncodedString(), as: .image, to: conversation)
    }

    private func send(_ text: String, as kind: FastChatHeader.Kind, to conversation: Conversation) async throws {
        let number = try Self.number(conversation.address)
        switch conversation.kind {
        case .person: try await client.send(text, to: FastChatUserNumber(number), as: kind)
        case .group: try await client.send(text, to: FastChatGroupNumber(number), as: kind)
        }
    }

    package func ping() async throws {
        guard let number = client.number else { throw FastChatClientFailure.notLoggedIn }
        _ = try await client.key(of: number)
    }

    package func close() async {
        await client.close()
    }

    package func makeGroup(title: String, members: [String]) async throws -> Conversation? {
        // A group has no title here: the first word is a member, too, if it is a number.
        let names = (Int64(title) == nil ? [] : [title]) + members
        var numbers: [FastChatUserNumber] = []
        for name in names { numbers.append(FastChatUserNumber(try Self.number(name))) }
        return conversation(try await client.createGroup(of: numbers))
    }

    package func addMember(_ name: String, to group: Conversation) async throws {
        try await client.add(
            FastChatUserNumber(try Self.number(name)), to: FastChatGroupNumber(try Self.number(group.address)))
    }

    package func removeMember(_ name: String, from group: Conversation) async throws {
        try await client.remove(
            FastChatUserNumber(try Self.number(name)), from: FastChatGroupNumber(try Self.number(group.address)))
    }

    private func conversation(_ group: FastChatGroupNumber) -> Conversation {
        .group("\(group.rawValue)", title: "\(group.rawValue)")
    }
}

// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestClient

/// What `testclient chat` does with what is typed and what comes: says, asks, shows.
final class ConversationRoom: Sendable {
    private struct State {
        var current: Conversation?
        /// Those heard of, so that one can be chosen by its label.
        var known: [Conversation] = []
    }

    /// The largest picture that is sent, in bytes: more than most servers take.
    private static let maximumPictureBytes = 8 << 20

    private let connection: Mutex<any ConversationClient>
    private let text: ConversationText
    private let address: String
    private let timeout: Duration
    private let find: @Sendable (String, any ConversationClient) async throws -> Conversation
    private let showLines: @Sendable ([String]) -> Void
    private let setPrompt: @Sendable (String) -> Void
    private let state = Mutex(State())

    init(
        client: any ConversationClient, text: ConversationText, address: String, timeout: Duration,
        find: @escaping @Sendable (String, any ConversationClient) async throws -> Conversation,
        showLines: @escaping @Sendable ([String]) -> Void, setPrompt: @escaping @Sendable (String) -> Void
    ) {
        connection = Mutex(client)
        self.text = text
        self.address = address
        self.timeout = timeout
        self.find = find
        self.showLines = showLines
        self.setPrompt = setPrompt
    }

    /// The connection; another one after the server was away.
    var client: any ConversationClient { connection.withLock { $0 } }

    /// Connects anew after the server has ended, as soon as it is back.
    ///
    /// - Throws: What `connect` throws, unless it says that there is no server.
    func reconnect(pause: Duration, _ connect: () async throws -> any ConversationClient) async throws {
        showLines([text.notice("The server has ended the connection; waiting until it is back.")])
        while true {
            try await Task.sleep(for: pause)
            do {
                let client = try await connect()
                connection.withLock { $0 = client }
                showLines([text.notice("Connected again.")])
                return
            } catch {
                guard let failure = CommandError(reporting: error), [.unavailable, .busy].contains(failure.status)
                else { throw error }
            }
        }
    }

    /// Shows who talks here, and how.
    func greet() {
        showLines([
            text.notice(
                "You are \(client.own) at \(address), over \(client.wireProtocol.rawValue). /help lists the commands.")
        ])
    }

    /// Chooses whom to talk to.
    func turn(to conversation: Conversation) {
        state.withLock { state in
            state.current = conversation
            if !state.known.contains(conversation) { state.known.append(conversation) }
        }
        setPrompt("\(conversation.label)> ")
    }

    /// Shows what comes until the connection ends.
    func listen() async {
        while let events = await client.nextEvents() {
            for event in events { show(event) }
        }
    }

    private func show(_ event: ConversationEvent) {
        switch event {
        case .said(var message):
            // Some protocols do not say when; then it is now.
            message.time = message.time ?? Int64(CommandContext.current.now())
            let current = state.withLock { [conversation = message.conversation] state in
                if !state.known.contains(conversation) { state.known.append(conversation) }
                return state.current
            }
            showLines(text.lines(message, isElsewhere: message.conversation != current))
            // The first person who speaks is answered.
            if current == nil { turn(to: message.conversation) }
        case .presence(let name, let isOnline):
            showLines([text.notice("\(name) is \(isOnline ? "online" : "offline").")])
        case .notice(let words): showLines([text.notice(words)])
        case .joined(let group):
            let isNew = state.withLock { state in
                let index = state.known.firstIndex(of: group)
                if let index { state.known[index] = group } else { state.known.append(group) }
                return index == nil
            }
            if isNew { showLines([text.notice("You are in the group \(group.label).")]) }
        }
    }

    /// Does what a line asks for; mistakes and refusals are shown.
    ///
    /// - Returns: Whether to go on.
    func obey(_ line: String) async -> Bool {
        guard let command = ConversationCommand(line) else { return true }
        if command == .quit { return false }
        do {
            let giveUp: @Sendable () async -> Void = { [client = client] in await client.close() }
            let lines = try await answered(within: timeout, by: address, giveUp: giveUp) {
                try await self.answer(to: command)
            }
            if !lines.isEmpty { showLines(lines) }
        } catch {
            showLines([text.mistake(CommandError(reporting: error)?.description ?? "It could not be done.")])
        }
        return true
    }

    private func answer(to command: ConversationCommand) async throws -> [String] {
        switch command {
        case .quit: return []
        case .mistake(let words): return [text.mistake(words)]
        case .help: return text.help()
        case .text(let words): return try await say(words)
        case .to(let name): turn(to: try await found(name))
        case .contacts:
            let contacts = try await client.contacts()
            return contacts.isEmpty ? [text.notice("You have no contacts; /add LOGIN adds one.")] : text.list(contacts)
        case .add(let name):
            let contact = try await client.add(name)
            return text.list([contact])
        case .groups:
            let groups = try await groups()
            return groups.isEmpty ? [text.notice("You are in no group.")] : groups.map { text.notice($0.label) }
        case .history(let count):
            let conversation = try current()
            let said = try await client.history(of: conversation, count: count)
            if said.isEmpty { return [text.notice("Nothing was said here yet.")] }
            return said.flatMap { text.lines($0, isElsewhere: false) }
        case .image(let path):
            let bytes = try PictureFile.bytes(path, maximumBytes: Self.maximumPictureBytes)
            let conversation = try current()
            try await client.show(bytes, to: conversation)
            return text.lines(own("[picture]", in: conversation), isElsewhere: false)
        case .newGroup(let title, let members):
            if let group = try await client.makeGroup(title: title, members: members) { turn(to: group) }
        case .addMember(let name): try await client.addMember(name, to: try currentGroup())
        case .removeMember(let name): try await client.removeMember(name, from: try currentGroup())
        }
        return []
    }

    private func say(_ words: String) async throws -> [String] {
        let conversation = try current()
        try await client.say(words, to: conversation)
        return text.lines(own(words, in: conversation), isElsewhere: false)
    }

    private func own(_ words: String, in conversation: Conversation) -> ChatMessage {
        ChatMessage(
            conversation: conversation, author: client.own, isOwn: true, text: words,
            time: Int64(CommandContext.current.now()))
    }

    private func current() throws(CommandError) -> Conversation {
        guard let current = state.withLock({ $0.current }) else {
            throw CommandError(.usage, "Say with whom you talk: /to NAME")
        }
        return current
    }

    private func currentGroup() throws(CommandError) -> Conversation {
        let current = try current()
        guard current.kind == .group else {
            throw CommandError(.usage, "This is no group; choose one with /to #GROUP.")
        }
        return current
    }

    private func groups() async throws -> [Conversation] {
        do {
            return try await client.groups()
        } catch let error as ConversationError where error.kind == .unsupported {
            // The protocol does not list them: those that were heard of.
            return state.withLock { $0.known.filter { $0.kind == .group } }
        }
    }

    private func found(_ name: String) async throws -> Conversation {
        let known = state.withLock { state in
            state.known.first { $0.label == name || ($0.kind == .group && "#\($0.address)" == name) }
        }
        if let known { return known }
        return try await find(name, client)
    }
}

/// How a conversation looks on a terminal.
struct ConversationText: Sendable {
    var style: TextStyle
    /// Hours and minutes of Unix seconds where the person is.
    var clock: @Sendable (Int64) -> String

    /// A message; one that is elsewhere says where.
    func lines(_ message: ChatMessage, isElsewhere: Bool) -> [String] {
        let time = message.time.map { style.apply(.faint, to: clock($0)) + " " } ?? ""
        let author = style.apply(message.isOwn ? .green : .cyan, to: escaped(message.author))
        let isNamed = isElsewhere && message.conversation.kind == .group
        let place = isNamed ? style.apply(.yellow, to: "[\(escaped(message.conversation.label))]") + " " : ""
        let words = message.text.split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) }
        return ["\(time)\(place)\(author): \(words.first ?? "")"] + words.dropFirst().map { "  \($0)" }
    }

    /// Something that the program says.
    func notice(_ words: String) -> String { style.apply(.faint, to: escaped(words)) }

    /// Something that went wrong.
    func mistake(_ words: String) -> String { style.apply(.red, to: escaped(words)) }

    /// Contacts, each with whether they are there.
    func list(_ contacts: [ConversationContact]) -> [String] {
        contacts.map { contact in
            guard let isOnline = contact.isOnline else { return "  \(escaped(contact.name))" }
            let mark = style.apply(isOnline ? .green : .faint, to: isOnline ? "online " : "offline")
            return "  \(mark)  \(escaped(contact.name))"
        }
    }

    func help() -> [String] {
        ConversationCommand.helpLines.map { "  " + style.apply(.bold, to: $0.words.fitted(to: 26)) + $0.meaning }
    }

    private func escaped(_ text: String) -> String { text.escapedForTerminal(lineBreaks: false) }
}
